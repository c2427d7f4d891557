//! sea-orm entities of the parking: blocked keys of consumers, and their events. Times are microseconds since 1970, UTC.

/// Keys whose events are set aside, one row a consumer and key.
pub mod parked_key {
    use sea_orm::entity::prelude::*;

    /// One blocked key of a consumer.
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

/// Events that are set aside.
pub mod parked_event {
    use sea_orm::entity::prelude::*;

    /// One event of a blocked key.
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
        /// The encoded event message of the context, as the wire has it.
        pub bytes: Vec<u8>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
