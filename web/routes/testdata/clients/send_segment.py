"""Sends 40 events: python send_segment.py ADDRESS KEY"""
import sys
import segment.analytics as analytics

analytics.host, analytics.write_key = sys.argv[1], sys.argv[2]
for i in range(40):
    analytics.track(f"python-{i % 4}", "Product Viewed", {"product_id": f"p{i}"})
analytics.shutdown()
