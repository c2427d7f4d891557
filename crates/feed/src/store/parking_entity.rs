//! sea-orm entities of the parking. Times are microseconds since 1970, UTC.

/// Keys that are stopped.
pub mod parked_key {
    use sea_orm::entity::prelude::*;

    /// A key of a consumer that is stopped.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "parked_keys")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub consumer: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        /// `parked` or `replaying`.
        pub state: String,
        pub reason: String,
        pub attempts: i32,
        pub parked_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Events of stopped keys.
pub mod parked_event {
    use sea_orm::entity::prelude::*;

    /// An event that waits.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "parked_events")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub consumer: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        pub key: String,
        pub event_id: Uuid,
        pub kind: String,
        pub recorded_time: i64,
        pub parked_time: i64,
        /// The encoded event message, as the feed sent it.
        pub bytes: Vec<u8>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
