"""Training: from base scores with truth to a meta-model that is better on genes it never saw."""
