// Sends 40 events: node segment.cjs ADDRESS KEY
const { Analytics } = require('@segment/analytics-node')
const client = new Analytics({ host: process.argv[2], writeKey: process.argv[3] })
for (let i = 0; i < 40; i++) client.track({ userId: `node-${i % 4}`, event: 'Product Viewed', properties: { product_id: `p${i}` } })
client.closeAndFlush()
