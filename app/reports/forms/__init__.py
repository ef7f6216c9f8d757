"""What a report is written as: Markdown, HTML, CSV, PDF."""
