# Sourced by the other scripts: a virtual environment in .venv with the package and what the
# scripts need, made once and made again when pyproject.toml changes.
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
python="${PYTHON:-python3}"
stamp="$(cksum pyproject.toml | cut -d' ' -f1)"
if [ ! -f ".venv/ready-$stamp" ]; then
    echo "Setting up .venv (once; a minute or two) ..."
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
    touch ".venv/ready-$stamp"
fi
bin="$root/.venv/bin"
