"""What scripts/check-clients runs: a group of three Python members, one killed in the middle, then one frozen.

Their keys must move to the others in time, each key's events stay in order, and none is lost. Of a killed member the
connection breaks, so that its lease is the longest that it can take. Of a frozen one it stays open: the server notices
that nobody answers its pings, and ends the stream.
"""
import collections, hashlib, os, pathlib, re, signal, sys, tempfile, threading, time
import grpc
from ordermesh.order.v1 import commands_pb2, groups_pb2, services_pb2_grpc
from check_readme import Reading

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/ordermesh"
ORDERS = int(os.environ.get("ORDERMESH_GROUP_ORDERS", "600"))
GROUP = "printers"
PATIENCE = 120  # seconds until what does not come is a failure
LEASE = 10  # seconds, the default
PINGS = 40  # seconds until the server has given up a connection that says nothing: a ping, and no answer to it
SLACK = 5  # seconds, on a busy machine


def place_and_cancel(commands, number):
    """An order that waits for its payment and is cancelled: some events of one key, OrderCancelled the last."""
    placed = commands.PlaceOrder(commands_pb2.PlaceOrderRequest(
        request_id=f"place-{number}",
        lines=[{"sku": "TEA", "quantity": 1, "unit_price": {"currency_code": "EUR", "minor_units": 450}}]))
    commands.CancelOrder(commands_pb2.CancelOrderRequest(
        request_id=f"cancel-{number}", order_id=placed.order_id, reason="a test"))


class Member(Reading):
    """A member as a process of its own; what it has handled, with the time."""

    def __init__(self, address, name, seen):
        python = [sys.executable, ROOT / "clients/python/group_member.py", address, GROUP, name]
        self.name, self.seen = name, seen
        super().__init__(python)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def _read(self):
        for line in self.process.stdout:
            position, kind, key, revision = line.split()
            self.seen.append((time.monotonic(), self.name, int(position), key, int(revision), kind))


def until(what, found):
    end = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < end, f"{what} did not come to pass"
        time.sleep(0.1)
    return value


def check_history(seen):
    revisions, ends = collections.defaultdict(list), {}
    for _, _, _, key, revision, kind in sorted(seen):
        revisions[key].append(revision)
        ends[key] = kind
    assert len(revisions) == ORDERS, f"{len(revisions)} of {ORDERS} keys were seen"
    for key, order in revisions.items():
        assert sorted(set(order)) == list(range(1, order[-1] + 1)), f"{key} lost events: {order}"
        assert order == sorted(order), f"{key} came out of order: {order}"
        assert ends[key] == "OrderCancelled", f"{key} ended with {ends[key]}"
    repeated = sum(len(order) - len(set(order)) for order in revisions.values())
    members = collections.Counter(member for _, member, *_ in seen)
    assert len(members) == 4, f"not every member had work: {members}"
    print(f"    {ORDERS} orders, {len(seen)} events handled by {dict(members)}, {repeated} of them twice")


def check_takeover(seen, gone, what, moment, limit):
    """The slots of a member that is gone since a moment must be with others in so many seconds."""
    slots = {slot(key) for at, member, _, key, *_ in seen if member == gone and at <= moment}
    taken_over = {}
    for at, member, _, key, *_ in sorted(seen):
        if member != gone and at > moment and slot(key) in slots:
            taken_over.setdefault(slot(key), at - moment)
    assert taken_over, f"no key of the {what} member went to another"
    longest = max(taken_over.values())
    assert longest < limit, f"the last slot of the {what} member was taken over after {longest:.1f} s, not within {limit} s"
    print(f"    {len(taken_over)} slots of the {what} member taken over, the last {longest:.1f} s after")


def slot(key):
    """As the contract fixes it."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % 64


def main():
    with tempfile.TemporaryDirectory() as home:
        server = Reading([PROGRAM, "dev", "--listen", "127.0.0.1:0", "--data", home])
        try:
            address = re.search(r"ready at (\S+)", server.wait_for("ready at"))[1]
            channel = grpc.insecure_channel(address)
            commands = services_pb2_grpc.OrderCommandServiceStub(channel)
            feed = services_pb2_grpc.OrderEventServiceStub(channel)
            seen = []
            members = [Member(address, f"m{number}", seen) for number in range(3)]

            def group():
                return feed.GetGroup(groups_pb2.GetGroupRequest(group=GROUP)).group

            def done(orders):
                return len({key for *_, key, _, kind in list(seen) if kind == "OrderCancelled"}) == orders

            def lose(lost, how, orders, before):
                """Places orders, and in the middle of them loses a member; gives when."""
                until("three members sharing the slots", lambda: shared(feed))
                writers = [threading.Thread(target=lambda share=share: [
                    place_and_cancel(commands, number) for number in orders[share::4]]) for share in range(4)]
                for writer in writers:
                    writer.start()
                until("a third of the events", lambda: len(seen) > before + len(orders))
                how(lost)
                moment = time.monotonic()
                for writer in writers:
                    writer.join()
                until("every event handled", lambda: done(orders[-1] + 1))
                return moment

            half = ORDERS // 2
            killed_at = lose(members[2], Member.kill, range(half), 0)
            members[2] = Member(address, "m3", seen)
            frozen_at = lose(members[1], Member.freeze, range(half, ORDERS), len(seen))
            until("nothing left to acknowledge", lambda: group().unacknowledged_events == 0)
            check_history(list(seen))
            check_takeover(list(seen), "m2", "killed", killed_at, LEASE + SLACK)
            check_takeover(list(seen), "m1", "frozen", frozen_at, PINGS + LEASE + SLACK)
            for member in members:
                member.kill()
        finally:
            server.kill()


def shared(feed):
    try:
        slots = feed.GetGroup(groups_pb2.GetGroupRequest(group=GROUP)).slots
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        return False
    owners = collections.Counter(slot.member for slot in slots)
    return len(owners) == 3 and "" not in owners


if __name__ == "__main__":
    sys.exit(main())
