"""Sends 40 events: python send_posthog.py ADDRESS KEY"""
import sys
from posthog import Posthog

client = Posthog(sys.argv[2], host=sys.argv[1], disable_geoip=True)
for i in range(40):
    client.capture("product viewed", distinct_id=f"python-{i % 4}", properties={"product_id": f"p{i}"})
client.shutdown()
