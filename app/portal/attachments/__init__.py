"""What sites attach to documents, shown safely: CDA, PDF, pictures, waveforms, texts; downloaded as they came."""
