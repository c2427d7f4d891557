"""Follows the order feed and survives being killed: the cursor of what is done is kept in a file."""
import pathlib, sys, time
import grpc
from ordermesh.order.v1 import events_pb2, services_pb2_grpc

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"
CURSOR = pathlib.Path("order-feed.cursor")

def handle(event):  # your effect; repeat-safe, since a crash before the next line of `follow` repeats it
    print(event.position, event.type, event.key, flush=True)

def follow(feed):
    request = events_pb2.SubscribeOrderEventsRequest()
    if CURSOR.exists():
        request.after_cursor = CURSOR.read_text()
    for response in feed.SubscribeOrderEvents(request):
        for event in response.events.events:
            handle(event)
        CURSOR.with_suffix(".new").write_text(response.cursor)
        CURSOR.with_suffix(".new").rename(CURSOR)

feed = services_pb2_grpc.OrderEventServiceStub(grpc.insecure_channel(ADDRESS))
while True:
    try:
        follow(feed)
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.UNAVAILABLE:
            raise  # FEED_DIVERGED and the like need a person
        time.sleep(1)
