//! The tonic services of inventory: wire to domain and back, nothing else.

mod commands;
mod problem;
mod queries;
mod request;

use ordermesh_feed::event_service;
use ordermesh_proto::inventory::v1::inventory_event_service_server::InventoryEventService;

pub use commands::CommandService;
pub use queries::QueryService;

event_service!(
    EventService,
    InventoryEventService,
    SubscribeInventoryEventsStream,
    subscribe_inventory_events
);
