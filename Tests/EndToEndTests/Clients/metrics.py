"""Reads /metrics as Prometheus' own client library does: metrics.py PORT prints one line for each sample."""

import sys
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

with urlopen(f"http://127.0.0.1:{sys.argv[1]}/metrics") as answer:
    print("TYPE", answer.headers["Content-Type"])
    for family in text_string_to_metric_families(answer.read().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            print("SAMPLE", family.type, sample.name, labels or "-", float(sample.value))
print("DONE")
