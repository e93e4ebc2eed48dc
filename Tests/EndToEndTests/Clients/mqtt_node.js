// node-mqtt talks to itself through the gateway, at each QoS.
//
//     mqtt_node.js PORT LEVEL [TRANSPORT [CA]]      LEVEL: 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0; TRANSPORT: tcp, tls,
//                                                   ws or wss; prints DONE and what arrived
const fs = require('fs')
const mqtt = require('mqtt')

const [port, level] = process.argv.slice(2, 4).map(Number)
const [transport = 'tcp', authority] = process.argv.slice(4)
const scheme = { tcp: 'mqtt', tls: 'mqtts', ws: 'ws', wss: 'wss' }[transport]
const arrived = {}
const client = mqtt.connect(`${scheme}://127.0.0.1:${port}${transport.startsWith('ws') ? '/mqtt' : ''}`, {
  ca: authority && fs.readFileSync(authority),
  clientId: 'node', protocolVersion: level, protocolId: level === 3 ? 'MQIsdp' : 'MQTT', reconnectPeriod: 0
})

client.on('connect', () => {
  client.subscribe('node/#', { qos: 2 }, (error) => {
    if (error) throw error
    for (const qos of [0, 1, 2]) {
      const added = level === 5 ? { properties: { userProperties: { qos: String(qos) } } } : {}
      client.publish(`node/${qos}`, `m${qos}`, { qos, ...added })
    }
  })
})

client.on('message', (topic, payload, packet) => {
  if (level === 5 && packet.properties.userProperties.qos !== String(packet.qos)) throw new Error('user property lost')
  arrived[packet.qos] = payload.toString()
  if (Object.keys(arrived).length < 3) return
  console.log('DONE', Object.keys(arrived).sort().map((qos) => `${qos}:${arrived[qos]}`).join(' '))
  client.end()
})

client.on('error', (error) => { throw error })
