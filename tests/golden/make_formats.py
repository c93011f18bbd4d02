"""Makes tests/golden/formats/: the same awkward records in each format, written by other people's
software (csv, openpyxl, pyarrow). Run by hand: pip install openpyxl pyarrow; python3 make_formats.py
"""
import csv
import gzip
import json
import pathlib

import openpyxl
import pyarrow
import pyarrow.parquet

folder = pathlib.Path(__file__).parent / "formats"
folder.mkdir(exist_ok=True)
LONG = "长" * 32767
records = [
    ("007", "按时还款，经营正常。", "城东支行"),
    ("0008", '借款人称"先还息, 后还本"，说到一半', "a,b"),
    ("9", "第一行\n第二行，\t制表", "=1+1"),
    ("10", "客户😀失联🏚️，手机停机", "+86-10"),
    ("㐀-11", "借款人龥㐀𠮷€，逾期九十天", "@sum"),
    ("12", "=HYPERLINK(\"http://x\",\"点我\")，账户被冻结", ""),
    ("13", "", "空评价"),
    ("14", LONG, "最长的单元格"),
]
(folder / "records.json").write_text(
    json.dumps(records[:-1], ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
)
names = ("编号", "评价", "机构")

for name, encoding in [("utf8.csv", "utf-8-sig"), ("gb18030.csv", "gb18030")]:
    with open(folder / name, "w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(records)
with gzip.GzipFile(folder / "lines.jsonl.gz", "wb", mtime=0) as file:
    for record in records:
        line = json.dumps(dict(zip(names, record)), ensure_ascii=False) + "\n"
        file.write(line.encode())

book = openpyxl.Workbook()
sheet = book.active
sheet.title = "检查"
# A title over all columns, then a header of two rows, both with merged cells.
sheet.append(["贷后检查评价表"])
sheet.merge_cells("A1:D1")
sheet.append(["编号", "检查情况", None, "机构"])
sheet.append([None, "评价", "日期", None])
sheet.merge_cells("A2:A3")
sheet.merge_cells("B2:C2")
sheet.merge_cells("D2:D3")
for identifier, text, branch in records:
    row = sheet.max_row + 1
    for column, value in [(1, identifier), (2, text), (4, branch)]:
        if value:
            cell = sheet.cell(row, column, value)
            cell.data_type = "s"  # text, not a formula
book.create_sheet("空表")
book.save(folder / "book.xlsx")

table = pyarrow.table({name: [record[place] for record in records] for place, name in enumerate(names)})
table = table.append_column("日期", pyarrow.array([None] * len(records), pyarrow.int64()))
# Small row groups, so that there are several.
pyarrow.parquet.write_table(table, folder / "groups.parquet", row_group_size=3, compression="zstd")
