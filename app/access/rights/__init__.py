"""Rights as a work flow: requested by a site, granted by the secretariat, confirmed by the site's head.

安全管理ガイドライン 6.0 シス14④⑤: rights by job and by section of data, a list of them, and leavers taken out.
"""
