"""Requests of patients: 開示, 訂正, 利用停止 (個人情報保護法 第33条–第35条), as cases that are due on a day."""
