"""A broker of a test's own: starts one, prints its address once it can be published to, and then, for each line `take N` on standard
input, prints a JSON list of the next N events it was sent. It ends, with all that it has started, when standard input does.

What is in a message is read here by the bindings of CloudEvents 1.0 with each broker's own client, and by nothing of the publisher's.
"""

import asyncio
import datetime
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

PATIENCE_S = 60
PREFIXES = {"nats": "ce-", "rabbitmq": "cloudEvents:", "kafka": "ce_"}


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def until(what, attempt):
    """What an attempt gives, once it no longer fails."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return attempt()
        except Exception as error:
            if time.monotonic() > end:
                raise SystemExit(f"{what}: {error!r}")
            time.sleep(0.05)


def read(kind, headers, body):
    """The event in a message, in the shape of the JSON format."""
    if headers.get("content-type", "").startswith("application/cloudevents+json"):
        event = json.loads(body)
    else:
        decoded = urllib.parse.unquote if kind == "nats" else str
        prefix = PREFIXES[kind]
        event = {name[len(prefix):]: decoded(value) for name, value in headers.items() if name.startswith(prefix)}
        event["datacontenttype"] = headers["content-type"]
        event["data"] = json.loads(body)
    assert event["specversion"] == "1.0" and event["datacontenttype"] == "application/json", event
    assert all(event[name] for name in ("id", "source", "type", "subject", "tenantid", "sequence")), event
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event), event
    assert datetime.datetime.fromisoformat(event["time"]).tzinfo is not None, event
    return event


class Nats:
    child = None

    def start(self, folder):
        import nats

        port = free_port()
        server = shutil.which("nats-server", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        with open(f"{folder}/log", "wb") as log:
            command = [server, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", f"{folder}/store"]
            self.child = subprocess.Popen(command, stdout=log, stderr=log)
        self.loop = asyncio.new_event_loop()
        address = f"nats://127.0.0.1:{port}"
        until("nats-server", lambda: socket.create_connection(("127.0.0.1", port), 1).close())
        self.client = self.loop.run_until_complete(nats.connect(address))
        stream = self.client.jetstream()
        self.loop.run_until_complete(stream.add_stream(name="lectern", subjects=["lectern.>"]))
        self.sent = self.loop.run_until_complete(stream.subscribe("lectern.>", ordered_consumer=True))
        self.address = f"{address}/lectern"

    def take(self):
        message = self.loop.run_until_complete(self.sent.next_msg(timeout=PATIENCE_S))
        event = read("nats", message.headers, message.data)
        assert message.headers["Nats-Msg-Id"] == event["id"], message.headers
        assert message.subject == f"lectern.{event['tenantid']}.{event['type']}", message.subject
        return event

    def close(self):
        if self.child is not None:
            self.child.kill()
            self.child.wait()


class RabbitMq:
    child = None

    def start(self, folder):
        import pika

        port = free_port()
        with open(f"{folder}/plugins", "w") as plugins:
            plugins.write("[].\n")
        self.own = os.environ | {
            "HOME": folder,
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"lectern-{os.getpid()}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_CONFIG_FILE": f"{folder}/none",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/none",
        }
        # Debian's own command is for root and one user alone.
        server = sorted(glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"))[-1]
        with open(f"{folder}/said", "wb") as said:
            self.child = subprocess.Popen([server], env=self.own, stdout=said, stderr=said, start_new_session=True)
        where = pika.ConnectionParameters("127.0.0.1", port, heartbeat=0)
        connection = until("rabbitmq-server", lambda: pika.BlockingConnection(where))
        self.channel = connection.channel()
        self.channel.exchange_declare("lectern", "topic", durable=True)
        self.queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self.queue, "lectern", "#")
        self.sent = self.channel.consume(self.queue, auto_ack=True, inactivity_timeout=PATIENCE_S)
        self.address = f"amqp://guest:guest@127.0.0.1:{port}"

    def take(self):
        method, properties, body = next(self.sent)
        assert method is not None, "nothing comes"
        headers = {"content-type": properties.content_type} | (properties.headers or {})
        event = read("rabbitmq", headers, body)
        assert (properties.message_id, properties.delivery_mode) == (event["id"], 2), properties
        assert method.routing_key == f"{event['tenantid']}.{event['type']}", method
        return event

    def close(self):
        if self.child is None:
            return
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        # It stays until it has seen that its node is gone.
        for _ in range(100):
            if subprocess.run(["epmd", "-kill"], env=self.own, capture_output=True).returncode == 0:
                break
            time.sleep(0.02)


class Kafka:
    """The cluster that librdkafka has for tests, in this process."""

    def start(self, folder):
        import confluent_kafka

        self.cluster = confluent_kafka.Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1})
        found = self.cluster.list_topics("lectern", timeout=PATIENCE_S)
        broker = next(iter(found.brokers.values()))
        address = f"{broker.host}:{broker.port}"
        self.sent = confluent_kafka.Consumer({"bootstrap.servers": address, "group.id": "judge"})
        partitions = found.topics["lectern"].partitions
        self.sent.assign([confluent_kafka.TopicPartition("lectern", partition, 0) for partition in partitions])
        self.address = f"kafka://{address}/lectern"
        self.partitions = {}

    def take(self):
        message = self.sent.poll(PATIENCE_S)
        assert message is not None and message.error() is None, message and message.error()
        headers = {name: value.decode() for name, value in message.headers()}
        event = read("kafka", headers, message.value())
        key = message.key().decode()
        assert key == f"{event['tenantid']}/{event['subject']}", key
        assert self.partitions.setdefault(key, message.partition()) == message.partition(), key
        return event

    def close(self):
        self.cluster = self.sent = None


def main():
    kind = sys.argv[1]
    folder = tempfile.mkdtemp(prefix="lectern-broker.")
    broker = {"nats": Nats, "rabbitmq": RabbitMq, "kafka": Kafka}[kind]()
    try:
        broker.start(folder)
        print(broker.address, flush=True)
        for line in sys.stdin:
            count = int(line.split()[1])
            print(json.dumps([broker.take() for _ in range(count)]), flush=True)
    finally:
        broker.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
