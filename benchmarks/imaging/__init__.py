"""Imaging beside Orthanc, a bare application and bare writes: `python -m benchmarks.imaging`."""
