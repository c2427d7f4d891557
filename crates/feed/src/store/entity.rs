//! sea-orm entities of the log and of consumers. Times are microseconds since 1970, UTC.

/// The log: one row an event.
pub mod event {
    use sea_orm::entity::prelude::*;

    /// One event of the log.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "events")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        pub event_id: Uuid,
        pub kind: String,
        pub schema_version: i32,
        pub key: String,
        pub key_revision: i64,
        /// The bits of the key's hash; the database has no unsigned type.
        pub key_hash: i64,
        pub occurred_time: i64,
        pub recorded_time: i64,
        pub correlation_id: String,
        pub causation_id: String,
        pub traceparent: String,
        pub payload: Vec<u8>,
        pub personal: Option<Vec<u8>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The log's head: one row, id 1.
pub mod log_head {
    use sea_orm::entity::prelude::*;

    /// Where the log stands.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "log_head")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub feed_id: Uuid,
        pub position: i64,
        pub recorded_time: i64,
        /// The newest position that the log no longer holds; 0 when it holds all.
        pub truncated_position: i64,
        /// The event that stood there.
        pub truncated_event_id: Option<Uuid>,
        /// When that event was recorded.
        pub truncated_time: Option<i64>,
        /// The head after an import; none, or another position than the head, when commands made this log.
        pub imported_position: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// What committed commands answered.
pub mod idempotency {
    use sea_orm::entity::prelude::*;

    /// The answer of one committed command.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "idempotency_records")]
    pub struct Model {
        /// Method, principal and request_id, hashed: one short key, whatever their lengths.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Vec<u8>,
        pub request_id: String,
        pub fingerprint: Vec<u8>,
        pub answer: Vec<u8>,
        /// Key and key revision of the command's newest event. Not its position: records are written before the
        /// log's head is locked.
        pub event_key: String,
        pub event_key_revision: i64,
        pub recorded_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// How far each consumer has come.
pub mod checkpoint {
    use sea_orm::entity::prelude::*;

    /// Where one consumer stands in its feed.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "checkpoints")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub consumer: String,
        pub feed_id: Uuid,
        pub position: i64,
        pub event_id: Option<Uuid>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
