"""What scripts/check-clients runs: a group of three Python members, one killed in the middle.

Its keys must move to the others when its lease has run out, each key's events stay in order, and none is lost.
"""
import collections, hashlib, os, pathlib, re, sys, tempfile, threading, time
import grpc
from ordermesh.order.v1 import commands_pb2, groups_pb2, services_pb2_grpc
from check_readme import Reading

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/ordermesh"
ORDERS = int(os.environ.get("ORDERMESH_GROUP_ORDERS", "600"))
GROUP = "printers"
PATIENCE = 60  # seconds until what does not come is a failure


def place_and_cancel(commands, number):
    """Three events of one key."""
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

    def _read(self):
        for line in self.process.stdout:
            position, kind, key, revision = line.split()
            self.seen.append((time.monotonic(), self.name, int(position), key, int(revision)))


def until(what, found):
    end = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < end, f"{what} did not come to pass"
        time.sleep(0.1)
    return value


def check_history(seen, killed_at):
    revisions = collections.defaultdict(list)
    for _, _, _, key, revision in sorted(seen):
        revisions[key].append(revision)
    assert len(revisions) == ORDERS, f"{len(revisions)} of {ORDERS} keys were seen"
    for key, order in revisions.items():
        assert sorted(set(order)) == [1, 2, 3], f"{key} lost events: {order}"
        assert order == sorted(order), f"{key} came out of order: {order}"
    repeated = sum(len(order) - 3 for order in revisions.values())
    members = collections.Counter(member for _, member, *_ in seen)
    assert len(members) == 3, f"not every member had work: {members}"
    was_killeds = {slot(key) for _, member, _, key, _ in seen if member == "m2"}
    taken_over = {}
    for moment, member, _, key, _ in sorted(seen):
        if member != "m2" and moment > killed_at and slot(key) in was_killeds:
            taken_over.setdefault(slot(key), moment - killed_at)
    assert taken_over, "no key of the killed member went to another"
    print(f"    {ORDERS} orders, {len(seen)} events handled by {dict(members)}, {repeated} of them twice; "
          f"{len(taken_over)} slots of the killed member taken over, the last {max(taken_over.values()):.1f} s after the kill")


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

            until("three members sharing the slots", lambda: shared(feed))
            writers = [threading.Thread(target=lambda share=share: [
                place_and_cancel(commands, number) for number in range(share, ORDERS, 4)]) for share in range(4)]
            for writer in writers:
                writer.start()
            until("a third of the events", lambda: len(seen) > ORDERS)
            members[2].kill()
            killed_at = time.monotonic()
            for writer in writers:
                writer.join()
            until("every event handled", lambda: len({position for _, _, position, _, _ in list(seen)}) == 3 * ORDERS)
            until("nothing left to acknowledge", lambda: group().unacknowledged_events == 0)
            check_history(list(seen), killed_at)
            for member in members[:2]:
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
