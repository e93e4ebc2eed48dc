/// Every key of the product with its meaning, default and range, in one place: this text is the lowest layer of the settings
/// and what `apus check --defaults` prints as a file to start from.
enum DefaultSettings {
    static let yaml = """
        # Accept clients that prove nothing. Without it, and without access.password_file, a listener on an
        # address other machines can reach refuses to start, and only clients on this machine's loopback
        # come in. With access.password_file nobody comes in without user name, from wherever, unless this
        # is true.
        allow_anonymous: false

        # Read again on SIGHUP, when they are right; what changed holds for connected clients, too.
        access:
          # Users and their password hashes, as apus passwd or mosquitto_passwd writes them; null for none.
          password_file: null
          # Who may read and write which topics, in Mosquitto's format. With a file everything it does not
          # name is refused; null for no such rules.
          acl_file: null
          # Listeners where clients may come in without user name although there is a password file:
          # for protocols that have none, [mqttsn.udp, lwm2m].
          anonymous_listeners: []

        # TLS, for the listeners that speak it; each may name files of its own. All are PEM, and read again on
        # SIGHUP, when they are right: new connections get what is new, open ones go on. make certs mints some to try.
        tls:
          # The server's certificate, followed by those between it and its CA; and its private key, without
          # passphrase.
          certificate_file: null
          key_file: null
          # CAs whose client certificates are accepted.
          client_ca_file: null
          # Oldest version spoken: 1.2 or 1.3.
          min_version: "1.2"

        # How long a stop may take before open connections are cut.
        shutdown_timeout: 5s

        # How often the $SYS/broker/... topics are brought up to date.
        sys_interval: 10s

        # Folder for everything the gateway keeps; made when it is missing.
        data_dir: apus-data

        # What outlives the gateway: sessions with an expiry, their queued messages, retained messages. Kept in
        # data_dir/apus.db.
        store:
          # What an acknowledgement promises: memory (nothing is kept), process (it survives the end of the
          # gateway), disk (it survives a loss of power).
          durability: disk
          # Other levels for what comes in by a listener: {mqttsn.udp: process}.
          listeners: {}
          # Other levels for topics: {"telemetry/#": memory}. Of several that match the strongest holds.
          topics: {}
          # How long a commit waits for company: 0ms to 100ms. Longer saves work, shorter answers sooner.
          linger: 1ms
          # Largest size of the file, from 1MB; null for as much as the disk has. A full store refuses messages.
          max_size: null

        log:
          # trace, debug, info, notice, warning, error or critical; trace shows each packet, never a payload.
          level: info

        mqtt:
          # Largest packet accepted from a client, header included: 1KB to 256MB.
          max_packet_size: 1MB
          # Octets of packets, WebSocket frames and TLS records that have begun and are not complete, and of connections that
          # are not open yet, of all together, from 1MB; who goes beyond it is disconnected.
          max_unfinished: 256MB
          # Longest a client may take until CONNECT is complete: 1s to 5m.
          connect_timeout: 10s
          # Open connections; one more is closed at once: 1 or more.
          max_connections: 1000000
          # Connections of a listener that share an event loop, one thread, before another gets any: 1 to 1000000. Clients
          # of one loop cost each other least; with 1 even a few keep all processors busy.
          connections_per_loop: 256
          # Unacknowledged QoS 1 and 2 messages of one publisher: 1 to 65535. A 5.0 client that sends more is disconnected,
          # or with enforce_receive_maximum: false only read from more slowly; both are counted.
          receive_maximum: 1024
          enforce_receive_maximum: true
          # Unacknowledged QoS 1 and 2 messages sent to a client before 5.0; later ones say how many they take: 1 to 65535.
          inflight_window: 1024
          # Topic aliases a client may set, and those set towards a client that takes any: 0 to 65535.
          topic_alias_maximum: 32
          outgoing_topic_aliases: 32
          # Longest time until a client that is gone is missed: 5.0 clients are told it as their keep alive. Older ones keep
          # theirs; if it is longer or none, TCP asks their hosts after this time. 1s to 65535s; null for no bound.
          max_keep_alive: null
          # Highest QoS of publications and granted subscriptions: 0 to 2; and what clients may use.
          max_qos: 2
          retain: true
          wildcard_subscriptions: true
          subscription_identifiers: true
          shared_subscriptions: true
          # Refuse payloads that are declared to be text and are not UTF-8.
          validate_payload_format: false
          # Given to 5.0 clients that ask for response information: where their response topics should begin; %c is
          # the client identifier. Null for none.
          response_information: null
          # Let nobody in and tell clients where to go instead, "host" or "host:port"; permanent: for good.
          redirect:
            to: null
            permanent: false
          tcp:
            enabled: true
            # One or several, [127.0.0.1, "::1"]; "::" is every address of this machine, IPv4 and IPv6.
            address: 127.0.0.1
            # 0 to 65535; 0 lets the system choose a port.
            port: 1883
            # Every connection begins with a PROXY header, version 1 or 2, and counts as coming from where that
            # says. Anybody can claim any address there: only for ports that none but the proxy reaches.
            proxy_protocol: false
            # For this listener alone; null for what stands above.
            max_connections: null
            max_packet_size: null
            connect_timeout: null
          tls:
            enabled: false
            address: 127.0.0.1
            port: 8883
            # For this listener alone; null for what stands in tls.
            certificate_file: null
            key_file: null
            client_ca_file: null
            min_version: null
            # Whether clients show a certificate: none, optional (one that is shown has to be right) or required.
            client_certificate: none
            # The name in a certificate that says who the client is, so that it needs no password: none, cn (common
            # name), dns, uri or email (subject alternative names). As user name, in place of the one it sends; and
            # as client id, so that it may use no other.
            certificate_username: none
            certificate_client_id: none
            # Lines identity:key, the key in hex, as Mosquitto has them: gateway and client show each other that they
            # know the key, in place of certificates. Such a listener speaks TLS 1.2 only.
            psk_file: null
            # The identity is the user name, and needs no password.
            psk_username: false
            # The identity is the client id: a client may use no other.
            psk_client_id: false
            proxy_protocol: false
            max_connections: null
            max_packet_size: null
            connect_timeout: null
          ws:
            enabled: true
            address: 127.0.0.1
            port: 8083
            path: /mqtt
            # Web pages that may connect, ["https://console.example.org"], or ["*"] for all. A page of the host it
            # connects to may anyway, and so may programs, which say nothing of pages.
            origins: []
            # Largest WebSocket frame, 1KB to 256MB; null for max_packet_size. Packets may span frames.
            max_frame_size: null
            proxy_protocol: false
            max_connections: null
            max_packet_size: null
            connect_timeout: null
          # WebSocket on TLS; the keys mean what they mean in ws and in tls.
          wss:
            enabled: false
            address: 127.0.0.1
            port: 8084
            path: /mqtt
            origins: []
            max_frame_size: null
            certificate_file: null
            key_file: null
            client_ca_file: null
            min_version: null
            client_certificate: none
            certificate_username: none
            certificate_client_id: none
            psk_file: null
            psk_username: false
            psk_client_id: false
            proxy_protocol: false
            max_connections: null
            max_packet_size: null
            connect_timeout: null
          unix:
            enabled: false
            # Absolute; a socket that a process which is gone has left there is replaced.
            path: /run/apus/mqtt.sock
            # Who may write to it may connect, and counts as a client on loopback.
            mode: "0660"
            max_connections: null
            max_packet_size: null
            connect_timeout: null

        mqttsn:
          udp:
            enabled: true
            address: 127.0.0.1
            # 0 to 65535; 0 lets the system choose a port.
            port: 1884
          # DTLS 1.2, on a port of its own, usually 8884. The keys of certificates and pre-shared keys mean what they
          # mean in mqtt.tls; psk_file there and here may be the same.
          dtls:
            enabled: false
            address: 127.0.0.1
            port: 8884
            certificate_file: null
            key_file: null
            client_ca_file: null
            client_certificate: none
            certificate_username: none
            certificate_client_id: none
            psk_file: null
            psk_username: false
            # The identity of a client's pre-shared key is its client id: it may use no other, may wake from any
            # address, and nobody takes its place without the key while it is connected.
            psk_client_id: true
            # Handshakes under way at once: 1 to 1000000; and how long one may take: 1s to 10m.
            max_handshakes: 1000
            handshake_timeout: 30s
            # Sessions at once: 1 or more; one of a client that is silent for idle_timeout is closed, null for
            # never. Its MQTT-SN session goes on, but it has to shake hands again.
            max_sessions: 100000
            idle_timeout: 1d
          # Number of this gateway in GWINFO and ADVERTISE: 0 to 255.
          gateway_id: 1
          # Time between two sendings of an unanswered request (T_RETRY): 100ms to 5m; and how often it is
          # repeated before the client counts as lost (N_RETRY): 0 to 20.
          retry_interval: 10s
          retry_count: 4
          # Silence allowed beyond what a client announced, awake or asleep, in percent: above 60 s, and up to
          # 60 s: 0 to 1000.
          long_tolerance: 10
          short_tolerance: 50
          # Longest client id in octets: 1 to 1024. The standard ends at 23, many clients go beyond.
          max_client_id: 64
          # Largest message in either direction in octets: 60 to 65535. The default never makes IPv4 fragment.
          max_packet_size: 1472
          # Ignore octets behind the end of a message, as some radio stacks add them.
          tolerates_tail: false
          # How long a session without CleanSession outlives its connection; null for ever.
          session_expiry: 7d
          # From where a sleeping client may wake: none (where it fell asleep), authenticated (anywhere, if it
          # proves its client id by DTLS), port (that, and another port of the address, as behind NAT), address
          # (that, and anywhere; whoever knows a client id gets its messages).
          roaming: port
          # Addresses of the forwarders that may forward, trusted with the ids of their nodes, which may move
          # between them: [10.0.0.7, 10.0.0.8]. With null anybody may, and a node belongs to one address.
          forwarders: null
          # Take messages of QoS -1 from clients that never connect.
          connectionless_publish: true
          # Clients in the middle of CONNECT at once: 1 to 1000000.
          max_handshakes: 1000
          # Datagrams per second from one host without connection; twice as many at once: 0 (no limit) or more.
          strangers_per_second: 1000
          # Publish the state of each client as JSON: $SYS/broker/mqttsn/clients/{client id}.
          client_status: true
          # Serve clients of MQTT-SN 2.0, too, in the numbering of OASIS's committee specification draft 01; each client
          # speaks the version it connects in. It is a draft: what it says may change.
          version_2_draft: false
          # Peers without connection speak 2.0 where a datagram could be of either version: needed for PUBWOS and
          # SEARCHGW of 2.0.
          version_2_strangers: false
          # Consideration for a client library: standard, emcute, asymcute, zephyr, contiki or paho; for all
          # clients, and for the client ids of a pattern: {"sensor-*": zephyr}.
          profile: standard
          profiles: {}
          # Topic ids that clients know beforehand: {1: sensors/temperature}, ids 1 to 65534; for all clients,
          # and before that for the client ids of a pattern: {"meter-*": {1: meters/power}}.
          predefined_topics: {}
          client_topics: {}
          sleep:
            # Longest sleep supervised in seconds: 1 to 65535; longer announcements are held to it.
            max_duration: 65535
            # Messages sent in one waking: 1 or more; null for all.
            messages_per_wake: null
            # Messages and octets that wait for one client that is asleep or away.
            messages: 1000
            octets: 256KB
            # What gives way when that is full, as limits.mailbox.policy.
            policy: drop_qos0_first
            # Longest a message waits; null for no bound.
            time_to_live: null
          advertise:
            # Seconds between two ADVERTISEs: 1 to 65535; null for none.
            interval: null
            # Address they are sent to, on the listener's port.
            address: 255.255.255.255
            # Multicast group in which clients search for gateways (ff02::1:0 for example), and the interface
            # to join it on; null for none. ADVERTISE goes there too. The listener must be on 0.0.0.0 or "::".
            group: null
            interface: null

        coap:
          udp:
            enabled: true
            address: 127.0.0.1
            # 0 to 65535; 0 lets the system choose a port. LwM2M devices use the same port.
            port: 5683

        lwm2m:
          # Serve LwM2M devices (/rd) on the CoAP port; needs coap.udp.
          enabled: true
          # Devices registered at once: 1 or more.
          registrations: 50000
          # How long a device in queue mode listens after its last message: 1s to 1h.
          awake_time: 93s
          # How long one request to a device may take, repetitions included: 1s to 10m.
          request_timeout: 45s
          # Read a resource back after it was written, so that its topic holds what the device made of it.
          reads_back_writes: true
          # Read the Device object once after a device has registered.
          reads_device_object: false

        admin:
          # For operators: /metrics for Prometheus, and /health.
          http:
            enabled: true
            address: 127.0.0.1
            # 0 to 65535; 0 lets the system choose a port.
            port: 18083
            # Let other machines read it when address is one they can reach. Nobody has to prove who they are there.
            allow_remote: false
            # Open connections; further ones wait: 1 to 65535.
            max_connections: 16
            # Longest that asking may take, and reading the answer, and that a connection stays open unused: 1s to 5m.
            timeout: 10s

        shared_subscriptions:
          # Who of a $share group gets a message: round_robin, random, sticky (one member until it is away),
          # hash_clientid (of the publisher) or hash_topic.
          strategy: round_robin

        # Grant $exclusive/{filter} to one client at a time; false refuses such filters.
        exclusive_subscriptions: true

        delayed:
          # Publish $delayed/{seconds}/{topic} under {topic} later; false takes it for an ordinary topic.
          enabled: true
          # Messages waiting for their time, and their octets; further ones are refused. They do not outlive
          # the process.
          messages: 100000
          octets: 256MB

        # Rules that rename topics, the first that applies; rights are those to the new topic. Each is
        # {action: publish, subscribe or all, source_topic: x/#, re: "^x/(.+)$", dest_topic: "y/$1"}, where
        # dest_topic may also hold ${clientid} and ${username}.
        rewrite: []

        # Subscriptions that every MQTT and MQTT-SN client gets when it connects, as far as it has the right:
        # {topic: "clients/${clientid}/#", qos: 1, nl: false, rap: false, rh: 0}; all but topic may be left out.
        auto_subscribe: []

        limits:
          # Sessions, connected or not: 1 or more.
          sessions: 1000000
          # Subscriptions of one session: 1 or more.
          subscriptions_per_session: 100000
          # Retained messages: 0 or more.
          retained_messages: 1000000
          # Levels of a topic: 1 to 65535.
          topic_levels: 128
          # Payload of one message: up to 256MB.
          payload: 1MB
          # Longest a session may outlive its connection; null for no bound.
          session_expiry: null
          # Memory of the process, from 32MB; null for no bound. Above it a mailbox takes in no more than its share, 1KB
          # to 64KB, whatever its own limits are: the rest is left to the store or, where it is not stored, dropped.
          memory: null
          mailbox:
            # Messages waiting for a client that is connected, and for one that is away or asleep: 1 or more.
            online_messages: 10000
            offline_messages: 1000
            # Of a durable session's stored messages so many are in memory, more for a client that is connected and
            # awake (a quarter of online_messages); the rest waits in the store until its turn comes: 1 or more.
            in_memory: 1000
            # Octets waiting for one client; as many again may be sent and not acknowledged.
            octets: 64MB
            # What gives way when a mailbox is full: drop_oldest, drop_newest or drop_qos0_first; or latest_only,
            # with which a client that does not listen keeps one message of each topic, the latest; or
            # reject_publisher: publishers at QoS 1 and 2 are refused until there is room.
            policy: drop_oldest
            # Longest a message waits in a mailbox; null for no bound.
            time_to_live: null
            # Longest a publisher is held back by one client that does not keep up.
            longest_hold_back: 1s
        """
}
