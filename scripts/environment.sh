# Sourced by the other scripts: a virtual environment with the package and what the scripts need,
# made once and made again when pyproject.toml changes. It is .venv, with the newest versions; if
# $lowest is 1 it is .venv-lowest, with the lowest that pyproject.toml allows of what it names.
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
python="${PYTHON:-python3}"
venv=".venv"
[ "${lowest:-0}" = 0 ] || venv=".venv-lowest"
bin="$root/$venv/bin"
stamp="$(cksum pyproject.toml | cut -d' ' -f1)"
if [ ! -f "$venv/ready-$stamp" ]; then
    echo "Setting up $venv (once; some minutes) ..."
    # One of these scripts' own is made anew; one that was there already keeps what is in it.
    clear=()
    ! compgen -G "$venv/ready-*" >/dev/null || clear=(--clear)
    "$python" -m venv ${clear[@]+"${clear[@]}"} "$venv"
    pip=("$bin/python" -m pip install --quiet --disable-pip-version-check)
    if [ "$venv" = .venv ]; then
        "${pip[@]}" -e '.[dev,docs]'
    else
        "${pip[@]}" uv
        "$bin/uv" pip install --quiet --python "$bin/python" --resolution lowest-direct -e '.[dev]'
    fi
    touch "$venv/ready-$stamp"
fi
