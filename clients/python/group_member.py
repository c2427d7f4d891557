"""A member of a consumer group: the server keeps the place. Start as many as you like, kill any of them.

    python group_member.py [ADDRESS [GROUP [MEMBER]]]
"""
import os, socket, sys, time
import grpc
from ordermesh.order.v1 import events_pb2, groups_pb2, services_pb2_grpc

arguments = dict(enumerate(sys.argv))
ADDRESS = arguments.get(1, "127.0.0.1:50051")
GROUP = arguments.get(2, "printers")
MEMBER = arguments.get(3, f"{socket.gethostname()}-{os.getpid()}")  # of two with one name the older stream ends

def handle(event):  # your effect; repeat-safe, since a crash before Acknowledge repeats it
    print(event.position, event.type, event.key, event.key_revision, flush=True)

seen = ""  # cursor of the newest frame whose events are handled; a member with a disk would keep it there

def follow(feed):
    global seen
    # The server compares last_cursor with its log: after a restore from an older copy it answers FEED_DIVERGED.
    group = {"name": GROUP, "member": MEMBER, "last_cursor": seen}
    request = events_pb2.SubscribeOrderEventsRequest(group=group)
    epoch = 0
    for response in feed.SubscribeOrderEvents(request):
        epoch = response.assignment.epoch or epoch
        done = groups_pb2.AcknowledgeRequest(group=GROUP, member=MEMBER, epoch=epoch)
        for event in response.events.events:
            try:
                handle(event)
                done.positions.append(event.position)
            except Exception as error:  # the event comes again, later; after five times its key is parked
                done.failures.add(position=event.position, reason=repr(error))
        if done.positions or done.failures:
            seen = response.cursor
            feed.Acknowledge(done)

feed = services_pb2_grpc.OrderEventServiceStub(grpc.insecure_channel(ADDRESS))
while True:
    try:
        follow(feed)
    except grpc.RpcError as error:
        # ABORTED: the keys went to others meanwhile; subscribing again gets new ones.
        if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED):
            raise
        time.sleep(1)
