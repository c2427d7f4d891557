//! sea-orm entity of the consumers' leases, for copies of a store.

/// Which replica runs a consumer.
pub mod consumer_lease {
    use sea_orm::entity::prelude::*;

    /// One consumer's lease.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "consumer_leases")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub consumer: String,
        pub holder: Uuid,
        pub epoch: i64,
        pub expires_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
