// The least a broker has to do: bytes in, the receivers of a topic, bytes out; one thread, one read for each socket that has
// something, one write for each that gets something. No session, no queue, no limit, no check. What it takes is about the least for
// one that does so on this machine, most of it the system's. MQTT 3.1.1 and 5.0, QoS 0 and 1, retained messages by name, enough for the loads
// that `ComparedLoad.hasFloor` names.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct subscription;

struct client {
    int descriptor;
    uint8_t version;
    uint16_t last_identifier;
    bool is_dirty, waits_for_room;
    // What was read of a packet that is not complete, and what is to be written.
    uint8_t *rest, *out;
    size_t rest_count, out_count, out_size, written;
    struct subscription *subscriptions;
};

// Found by the levels before the first wildcard: all of them, or those up to a '/'.
struct subscription {
    struct subscription *next, *next_of_client;
    struct client *client;
    uint32_t place;
    uint8_t qos;
    uint16_t count, literal_count;
    uint8_t filter[];
};

struct retained {
    struct retained *next;
    uint16_t topic_count;
    uint32_t payload_count;
    uint8_t octets[];  // topic length (2), topic, payload
};

enum { buckets = 1 << 18, events = 512, most_clients = 65536 };

static struct subscription *subscriptions[buckets];
static struct retained *retained[buckets];
// Bit n: some filter has its first wildcard at level n.
static uint32_t wild_levels;
static struct client *dirty[most_clients];
static size_t dirty_count;
static int poller;
static uint8_t input[2 << 20];

static void watch(struct client *client, int operation, uint32_t what) {
    struct epoll_event event = {.events = what, .data.ptr = client};
    epoll_ctl(poller, operation, client->descriptor, &event);
}

// Room for `count` more octets to write at the end of this turn.
static uint8_t *room(struct client *client, size_t count) {
    while (client->out_size - client->out_count < count) {
        client->out_size = client->out_size ? client->out_size * 2 : 65536;
        client->out = realloc(client->out, client->out_size);
    }
    if (!client->is_dirty) dirty[dirty_count++] = client;
    client->is_dirty = true;
    client->out_count += count;
    return client->out + client->out_count - count;
}

static void flush(struct client *client) {
    client->is_dirty = false;
    while (client->written < client->out_count) {
        ssize_t count = write(client->descriptor, client->out + client->written, client->out_count - client->written);
        if (count < 0 && errno == EAGAIN) {
            if (!client->waits_for_room) watch(client, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            client->waits_for_room = true;
            return;
        }
        if (count < 0) break;
        client->written += count;
    }
    client->written = client->out_count = 0;
    if (client->waits_for_room) watch(client, EPOLL_CTL_MOD, EPOLLIN);
    client->waits_for_room = false;
}

enum { hash_begin = 2166136261u };

static uint32_t hash(uint32_t so_far, const uint8_t *octets, size_t count) {  // FNV-1a
    for (size_t index = 0; index < count; index++) so_far = (so_far ^ octets[index]) * 16777619u;
    return so_far;
}

static uint32_t bucket(uint32_t hash) { return (hash ^ hash >> 15) % buckets; }

// Whether what a filter has from its first wildcard on is met by what a topic has there.
static bool meets(const uint8_t *filter, const uint8_t *filter_end, const uint8_t *topic, const uint8_t *topic_end) {
    while (filter < filter_end && *filter != '#') {
        if (*filter == '+') {
            filter++;
            while (topic < topic_end && *topic != '/') topic++;
        } else if (topic == topic_end || *filter++ != *topic++) return false;
    }
    return filter < filter_end || topic == topic_end;
}

// | header | topic length (2) | topic | identifier (2, QoS 1) | properties' length (5.0) | payload |
static void deliver(struct client *client, uint8_t flags, const uint8_t *topic, size_t topic_count,
                    const uint8_t *payload, size_t payload_count) {
    uint8_t qos = flags >> 1 & 1;
    size_t length = 2 + topic_count + (qos ? 2 : 0) + (client->version == 5) + payload_count;
    uint8_t *at = room(client, length + (length < 128 ? 2 : length < 16384 ? 3 : 4));
    *at++ = 0x30 | flags;
    for (size_t rest = length; rest || length == rest; rest >>= 7) *at++ = (rest & 127) | (rest > 127 ? 128 : 0);
    at = mempcpy(at, topic - 2, 2 + topic_count);
    if (qos) {
        if (!++client->last_identifier) client->last_identifier = 1;
        *at++ = client->last_identifier >> 8;
        *at++ = client->last_identifier;
    }
    if (client->version == 5) *at++ = 0;
    memcpy(at, payload, payload_count);
}

static void keep(const uint8_t *topic, size_t topic_count, const uint8_t *payload, size_t payload_count) {
    struct retained **at = &retained[bucket(hash(hash_begin, topic, topic_count))], *it;
    for (; (it = *at); at = &it->next)
        if (it->topic_count == topic_count && !memcmp(it->octets + 2, topic, topic_count)) {
            *at = it->next;
            free(it);
            break;
        }
    if (!payload_count) return;
    it = malloc(sizeof *it + 2 + topic_count + payload_count);
    *it = (struct retained){.next = *at, .topic_count = topic_count, .payload_count = payload_count};
    memcpy(mempcpy(it->octets, topic - 2, 2 + topic_count), payload, payload_count);
    *at = it;
}

static void publish(struct client *client, uint8_t first, const uint8_t *body, size_t count) {
    uint8_t qos = first >> 1 & 1;
    size_t topic_count = body[0] << 8 | body[1], at = 2 + topic_count;
    const uint8_t *topic = body + 2;
    if (qos) {
        memcpy(room(client, 4), (uint8_t[]){0x40, 2, body[at], body[at + 1]}, 4);
        at += 2;
    }
    if (client->version == 5) at += 1 + body[at];
    if (first & 1) keep(topic, topic_count, body + at, count - at);
    uint32_t so_far = hash_begin;
    for (size_t end = 0, level = 0; end < topic_count; level++) {
        const uint8_t *slash = memchr(topic + end, '/', topic_count - end);
        size_t next = slash ? slash - topic + 1 : topic_count;
        so_far = hash(so_far, topic + end, next - end);
        end = next;
        if (slash && !(wild_levels >> (level + 1) & 1)) continue;
        for (struct subscription *it = subscriptions[bucket(so_far)]; it; it = it->next)
            if (it->literal_count == end && !memcmp(it->filter, topic, end) &&
                meets(it->filter + end, it->filter + it->count, topic + end, topic + topic_count))
                deliver(it->client, (it->qos < qos ? it->qos : qos) << 1, topic, topic_count, body + at, count - at);
    }
}

static void subscribe_to(struct client *client, const uint8_t *filter, size_t count, uint8_t qos) {
    struct subscription *it = malloc(sizeof *it + count);
    *it = (struct subscription){.client = client, .qos = qos, .count = count, .literal_count = count};
    memcpy(it->filter, filter, count);
    for (size_t index = 0, level = 0; index < count; index++) {
        if (filter[index] == '/') level++;
        if (filter[index] != '+' && filter[index] != '#') continue;
        it->literal_count = index;
        wild_levels |= 1u << level;
        break;
    }
    it->place = bucket(hash(hash_begin, filter, it->literal_count));
    it->next = subscriptions[it->place];
    subscriptions[it->place] = it;
    it->next_of_client = client->subscriptions;
    client->subscriptions = it;
    if (it->literal_count < count) return;
    for (struct retained *found = retained[it->place]; found; found = found->next)
        if (found->topic_count == count && !memcmp(found->octets + 2, filter, count))
            deliver(client, 1, found->octets + 2, count, found->octets + 2 + count, found->payload_count);
}

// Gives up the subscription that `of_client` points to.
static void give_up(struct subscription **of_client) {
    struct subscription *it = *of_client, **at = &subscriptions[it->place];
    while (*at != it) at = &(*at)->next;
    *at = it->next;
    *of_client = it->next_of_client;
    free(it);
}

static void unsubscribe_from(struct client *client, const uint8_t *filter, size_t count) {
    for (struct subscription **it = &client->subscriptions; *it; it = &(*it)->next_of_client)
        if ((*it)->count == count && !memcmp((*it)->filter, filter, count)) return give_up(it);
}

// SUBSCRIBE (8) and UNSUBSCRIBE (10), of fewer than 120 filters.
static void change(struct client *client, uint8_t type, const uint8_t *body, size_t count) {
    size_t at = client->version == 5 ? 3 + body[2] : 2, codes = 0;
    uint8_t answer[128] = {(type + 1) << 4, 0, body[0], body[1], 0};
    size_t first = client->version == 5 ? 5 : 4;
    while (at < count) {
        size_t length = body[at] << 8 | body[at + 1];
        const uint8_t *filter = body + at + 2;
        uint8_t qos = type == 8 ? filter[length] & 1 : 0;
        at += 2 + length + (type == 8);
        answer[first + codes++] = qos;
        if (type == 8) subscribe_to(client, filter, length, qos);
        else unsubscribe_from(client, filter, length);
    }
    size_t total = first + (type == 8 || client->version == 5 ? codes : 0);
    answer[1] = total - 2;
    memcpy(room(client, total), answer, total);
}

static void receive(struct client *client, uint8_t first, const uint8_t *body, size_t count) {
    switch (first >> 4) {
    case 1:
        client->version = body[2 + (body[0] << 8 | body[1])];
        if (client->version == 5) memcpy(room(client, 5), (uint8_t[]){0x20, 3, 0, 0, 0}, 5);
        else memcpy(room(client, 4), (uint8_t[]){0x20, 2, 0, 0}, 4);
        return;
    case 3: return publish(client, first, body, count);
    case 8:
    case 10: return change(client, first >> 4, body, count);
    case 12: memcpy(room(client, 2), (uint8_t[]){0xD0, 0}, 2);
    }
}

static void end(struct client *client) {
    while (client->subscriptions) give_up(&client->subscriptions);
    for (size_t index = 0; index < dirty_count; index++)
        if (dirty[index] == client) dirty[index--] = dirty[--dirty_count];
    close(client->descriptor);
    free(client->out);
    free(client->rest);
    free(client);
}

static void readable(struct client *client) {
    if (client->rest_count) memcpy(input, client->rest, client->rest_count);
    ssize_t more = read(client->descriptor, input + client->rest_count, sizeof input - client->rest_count);
    if (more < 0 && errno == EAGAIN) return;
    if (more <= 0) return end(client);
    size_t count = client->rest_count + more, at = 0;
    while (count - at >= 2) {
        size_t length = 0, header = 1;
        uint8_t byte;
        do {
            byte = input[at + header];
            length |= (size_t)(byte & 127) << 7 * (header - 1);
        } while (++header < 5 && byte > 127 && at + header < count);
        if (byte > 127 || count - at - header < length) break;
        receive(client, input[at], input + at + header, length);
        at += header + length;
    }
    client->rest_count = count - at;
    client->rest = realloc(client->rest, client->rest_count + 1);
    memcpy(client->rest, input + at, client->rest_count);
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("relay: cannot listen");
        exit(1);
    }
    return listener;
}

static void accept_all(int listener) {
    int descriptor, yes = 1;
    while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct client *client = calloc(1, sizeof *client);
        client->descriptor = descriptor;
        watch(client, EPOLL_CTL_ADD, EPOLLIN);
    }
}

// Started as Mosquitto is: `relay -c FILE`, of which it reads the line `listener PORT …`.
int main(int count, char **arguments) {
    int port = 0;
    FILE *file = count > 2 ? fopen(arguments[2], "r") : NULL;
    if (!file || fscanf(file, " listener %d", &port) != 1) {
        fputs("usage: relay -c FILE, a file that begins with: listener PORT\n", stderr);
        return 64;
    }
    fclose(file);
    struct client listener = {.descriptor = listen_on(port)};
    poller = epoll_create1(0);
    watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
    struct epoll_event ready[events];
    for (;;) {
        int found = epoll_wait(poller, ready, events, -1);
        for (int index = 0; index < found; index++) {
            struct client *client = ready[index].data.ptr;
            if (client == &listener) { accept_all(listener.descriptor); continue; }
            if (ready[index].events & EPOLLOUT) flush(client);
            if (ready[index].events & ~EPOLLOUT) readable(client);
        }
        for (size_t index = 0; index < dirty_count; index++) flush(dirty[index]);
        dirty_count = 0;
    }
}
