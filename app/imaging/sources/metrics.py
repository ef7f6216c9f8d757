"""How imaging sources are doing, for `/metrics`: by the source's name, without a word about patients."""

from prometheus_client import Counter, Gauge

REQUESTS = Counter(
    "renkei_imaging_source_requests", "Requests to imaging sources, by how they ended", ["source", "end"]
)
OCTETS = Counter("renkei_imaging_source_octets", "Octets that imaging sources have sent", ["source"])
HELD = Counter(
    "renkei_imaging_source_held", "Images of sources that were still held when they were asked for", ["source"]
)
OPEN = Gauge("renkei_imaging_source_broken", "1 while a source is not asked because it fails, else 0", ["source"])
KEPT_OCTETS = Gauge("renkei_image_cache_octets", "Octets of images of sources that are kept for a while")
