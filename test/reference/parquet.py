"""Small Parquet tables as pyarrow and polars write them, one a codec, with their rows as JSON.

Needs: pip install pyarrow polars. Run from the repository's root: python test/reference/parquet.py
"""

import json
import math
import pathlib

import polars
import pyarrow
import pyarrow.parquet

FOLDER = pathlib.Path("test/fixtures/parquet")
SEEDS = [9007199254740992, 9007199254740993]
ROWS = [
    {"arm": arm, "seed": seed, "step": step, "loss": loss}
    for arm in ("adamw", "muon")
    for seed in SEEDS
    for step, loss in ((0, 2.5), (10, math.nan), (20, None))
]
SCHEMA = pyarrow.schema(
    [("arm", pyarrow.string()), ("seed", pyarrow.int64()), ("step", pyarrow.int32()), ("loss", pyarrow.float64())]
)

table = pyarrow.Table.from_pylist(ROWS, schema=SCHEMA)
for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
    pyarrow.parquet.write_table(table, FOLDER / f"{codec}.parquet", compression=codec)
# The default of polars is zstd.
polars.from_arrow(table).write_parquet(FOLDER / "polars.parquet")

rows = [{**row, "seed": str(row["seed"]), "loss": repr(row["loss"])} for row in ROWS]
(FOLDER / "rows.json").write_text(json.dumps(rows, indent=1) + "\n")
