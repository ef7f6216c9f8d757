"""What instances say that are no images: structured reports, radiation doses, key images, documents, waveforms."""
