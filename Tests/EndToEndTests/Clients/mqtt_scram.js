// node-mqtt logs in with SCRAM-SHA-256 (RFC 7677), without sending its password, and talks to itself.
//
//     mqtt_scram.js PORT USER PASSWORD      prints DONE and whether the server proved itself, or REFUSED and the reason code
const crypto = require('crypto')
const mqtt = require('mqtt')

const [port, user, password] = process.argv.slice(2)
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest()
const bare = `n=${user},r=${crypto.randomBytes(12).toString('hex')}`
let signature

const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
  clientId: 'scram', protocolVersion: 5, reconnectPeriod: 0,
  properties: { authenticationMethod: 'SCRAM-SHA-256', authenticationData: Buffer.from(`n,,${bare}`) }
})

client.handleAuth = (packet, callback) => {
  const challenge = packet.properties.authenticationData.toString()
  const [nonce, salt, iterations] = challenge.split(',').map((field) => field.slice(2))
  const salted = crypto.pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
  const key = hmac(salted, 'Client Key')
  const final = `c=biws,r=${nonce}`
  const message = `${bare},${challenge},${final}`
  const proof = hmac(crypto.createHash('sha256').update(key).digest(), message).map((octet, index) => octet ^ key[index])
  signature = `v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`
  callback(null, {
    cmd: 'auth', reasonCode: 0x18,
    properties: {
      authenticationMethod: 'SCRAM-SHA-256',
      authenticationData: Buffer.from(`${final},p=${Buffer.from(proof).toString('base64')}`)
    }
  })
}

client.on('connect', (connack) => {
  const proven = connack.properties.authenticationData.toString() === signature
  client.on('message', () => { console.log('DONE', proven); client.end() })
  client.subscribe('scram', () => client.publish('scram', 'x'))
})

client.on('error', (error) => { console.log('REFUSED', error.code); client.end(true) })
