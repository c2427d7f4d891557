"""What scripts/check-readme runs: takes the commands out of README.md and tries them as a new user would.

The server listens on a free port instead of 50051, and that is the only thing changed in the commands.
"""
import json, os, pathlib, re, signal, subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
PATIENCE = 60  # seconds until a step that does not come is a failure


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.S | re.M)


def block_with(text):
    found = [block for block in blocks("sh") if text in block]
    assert found, f"the README has no shell block with {text!r}"
    return found[0]


def shell(command, **kwargs):
    result = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, **kwargs)
    assert result.returncode == 0, f"{command}\nexit {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


class Reading:
    """A process whose output is read line by line, so that waiting for a line can end."""

    def __init__(self, command, **kwargs):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, **kwargs)
        self.lines, self.news = [], threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()

    def wait_for(self, text, count=1):
        def seen():
            return sum(text in line for line in self.lines) >= count
        with self.news:
            assert self.news.wait_for(seen, PATIENCE), f"{text!r} did not come:\n{''.join(self.lines)}"
        return next(line for line in self.lines if text in line)

    def kill(self, with_signal=signal.SIGKILL):
        os.killpg(self.process.pid, with_signal)
        return self.process.wait(PATIENCE)


def check_client_is_the_one_shown():
    shown, stored = blocks("python")[0], (ROOT / "clients/python/subscribe.py").read_text()
    assert shown == stored, "the README's Python differs from clients/python/subscribe.py"


def check_grpcurl(address):
    place, get, follow = re.findall(r"^grpcurl .*?/\w+$", block_with("PlaceOrder").replace("127.0.0.1:50051", address), re.S | re.M)
    assert place.count("\n") <= 6, "the order in the README is longer than six lines"
    order = json.loads(shell(place))
    get = get.replace("ORDER_ID", order["orderId"]).replace("TOKEN", order["consistencyToken"])
    assert json.loads(shell(get))["order"]["orderId"] == order["orderId"]
    stream = Reading(["bash", "-c", follow])
    stream.wait_for("orderCreated")
    stream.kill()
    assert json.loads(shell(place))["replayed"], "the same line again must be a replay"
    return place


def wait_until_kept(cursor, address):
    """An effect comes before its cursor is kept; killed in between, the subscriber would rightly repeat it."""
    end = time.monotonic() + PATIENCE
    while True:
        feed = json.loads(shell(f"grpcurl -plaintext -d '{{}}' {address} ordermesh.order.v1.OrderEventService/GetFeed"))
        if cursor.exists() and cursor.read_text() == feed["headCursor"]:
            return
        assert time.monotonic() < end, "the subscriber does not keep its cursor"
        time.sleep(0.05)


def check_subscriber(address, place):
    with tempfile.TemporaryDirectory() as home:
        python = [ROOT / ".cache/clients/python/bin/python", ROOT / "clients/python/subscribe.py", address]
        first = Reading(python, cwd=home)
        first.wait_for("OrderPaymentRecorded", count=4)  # authorized and captured, of two orders: nothing follows
        wait_until_kept(pathlib.Path(home, "order-feed.cursor"), address)
        first.kill()
        shell(place.replace("cart-1", "cart-2").replace("2026-0001", "2026-0002"))
        second = Reading(python, cwd=home)
        second.wait_for("OrderConfirmed")
        second.kill()
        positions = [int(line.split()[0]) for line in first.lines + second.lines]
        assert positions == list(range(1, len(positions) + 1)), f"it did not go on where it was: {second.lines}"


def main():
    assert README.count("\n") <= 140, "the README is longer than two screens"
    check_client_is_the_one_shown()
    assert not re.search(r"^[A-Z_]{4,}$", README, re.M), "the README has a placeholder that nobody filled in"
    with tempfile.TemporaryDirectory() as home:
        server = Reading(["cargo", "run", "-q", "--locked", "--", "--listen", "127.0.0.1:0", "--data", home], cwd=ROOT)
        try:
            address = re.search(r"ready at (\S+)", server.wait_for("ready at"))[1]
            verb = next(line for line in block_with("order place").splitlines() if "order place" in line)
            assert "CONFIRMED" in shell(verb, env={**os.environ, "ORDERMESH_ADDR": address})
            place = check_grpcurl(address)
            check_subscriber(address, place)
        finally:
            server.kill(signal.SIGTERM)
    print("    the README's commands work")


if __name__ == "__main__":
    sys.exit(main())
