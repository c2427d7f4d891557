"""What scripts/bench runs: start-up time and idle memory of `ordermesh dev`, medians of 5 runs."""
import pathlib, signal, statistics, subprocess, sys, tempfile, time

RUNS = 5
IDLE_SECONDS = 3  # memory is read after the start's work is over


def resident_megabytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))) / 1024


def run(program):
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        server = subprocess.Popen(
            [program, "--listen", "127.0.0.1:0", "--data", home],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = server.stdout.readline()
        ready = time.monotonic() - started
        assert "ready" in line, f"the server did not start: {line!r}"
        time.sleep(IDLE_SECONDS)
        megabytes = resident_megabytes(server.pid)
        server.send_signal(signal.SIGTERM)
        assert server.wait(15) == 0, "the server did not end well"
        return ready * 1000, megabytes


def main():
    ready, megabytes = zip(*(run(sys.argv[1]) for _ in range(RUNS)))
    print(f"| start to ready, empty directory | {statistics.median(ready):.0f} ms | {min(ready):.0f}–{max(ready):.0f} ms |")
    print(f"| resident memory, idle | {statistics.median(megabytes):.1f} MB | {min(megabytes):.1f}–{max(megabytes):.1f} MB |")


if __name__ == "__main__":
    main()
