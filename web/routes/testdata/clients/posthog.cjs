// Sends 40 events: node posthog.cjs ADDRESS KEY
const { PostHog } = require('posthog-node')
const client = new PostHog(process.argv[3], { host: process.argv[2] })
for (let i = 0; i < 40; i++) client.capture({ distinctId: `node-${i % 4}`, event: 'product viewed', properties: { product_id: `p${i}` } })
client.shutdown()
