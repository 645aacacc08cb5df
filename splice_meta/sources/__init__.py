"""What the engine reads: base scores, training datasets; lazily, through Polars scans."""
