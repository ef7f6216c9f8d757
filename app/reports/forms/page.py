"""A report as one HTML page that loads nothing and runs nothing, fit to be printed."""

from jinja2 import Environment

from app.reports.sheet import Sheet

_TEMPLATE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    """<!doctype html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ sheet.title }}</title>
<style>
body { font: 14px/1.6 "Hiragino Sans", "Yu Gothic", "Noto Sans CJK JP", sans-serif; margin: 2rem; color: #1b2733; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.made, .note { color: #55626f; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.5rem; }
dt { color: #55626f; } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #c5ced6; padding: .25rem .5rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; } th { background: #eef2f5; }
tr { break-inside: avoid; } thead { display: table-header-group; }
</style>
</head>
<body>
<h1>{{ sheet.title }}</h1>
<p class="made">{{ sheet.region }}, {{ sheet.made }}</p>
{% if sheet.facts %}
<dl>
{% for name, value in sheet.facts %}
<dt>{{ name }}</dt><dd>{{ value }}</dd>
{% endfor %}
</dl>
{% endif %}
{% for table in sheet.tables %}
{% if table.title %}<h2>{{ table.title }}</h2>{% endif %}

<table>
<thead><tr>{% for name in table.head %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in table.rows %}
<tr>{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
{% if table.note %}<p class="note">{{ table.note }}</p>{% endif %}
{% endfor %}
{% for note in sheet.notes %}
<p class="note">{{ note }}</p>
{% endfor %}
</body>
</html>
"""
)


def page(sheet: Sheet) -> str:
    """Return a report as an HTML page."""
    return _TEMPLATE.render(sheet=sheet)
