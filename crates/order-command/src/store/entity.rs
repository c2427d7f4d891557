//! sea-orm entities of the write model. Amounts are minor units of the order's currency, times microseconds since
//! 1970 UTC.

/// The head of an order: what its events change.
pub mod order {
    use sea_orm::entity::prelude::*;

    /// One order.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub struct Model {
        /// Identity.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// Word of the state.
        pub state: String,
        /// Number of the newest event.
        pub revision: i64,
        /// ISO 4217 code of all amounts.
        pub currency: String,
        /// What the customer owes.
        pub amount_due: i64,
        /// Why it was cancelled.
        pub cancel_reason: Option<String>,
        /// When it last changed.
        pub update_time: i64,
        /// Word of the stock's status.
        pub stock: String,
        /// Word of the payment's status.
        pub payment: String,
        /// Set aside.
        pub authorized: i64,
        /// Captured.
        pub captured: i64,
        /// Given back.
        pub refunded: i64,
        /// Number of the payment's newest attempt.
        pub attempt: i32,
        /// When the payment must be there; none when nothing was owed.
        pub payment_deadline: Option<i64>,
        /// The same as long as the order waits for its payment; none otherwise.
        pub due_time: Option<i64>,
        /// Pieces ordered.
        pub ordered: i64,
        /// Pieces cancelled.
        pub cancelled: i64,
        /// Pieces dispatched.
        pub shipped: i64,
        /// Pieces delivered.
        pub delivered: i64,
        /// Pieces lost.
        pub lost: i64,
        /// When the state last changed.
        pub state_since: i64,
        /// When the stock's status last changed.
        pub stock_since: i64,
        /// When the payment's status last changed.
        pub payment_since: i64,
        /// When the pieces last changed.
        pub goods_since: i64,
        /// When what is owed last changed.
        pub due_since: i64,
        /// How many holds are in force.
        pub holds: i32,
        /// How many notes there are.
        pub notes: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The agreed snapshot; never changed.
pub mod order_terms {
    use sea_orm::entity::prelude::*;

    /// The terms of one order.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_terms")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// The shop's own number, unique.
        pub order_reference: String,
        /// The customer; none for a guest.
        pub customer_id: Option<String>,
        /// The account that pays.
        pub billing_account_id: Option<String>,
        /// The provider's token.
        pub payment_method_token: Option<String>,
        /// Whether prices contain the tax.
        pub prices_include_tax: bool,
        /// The shipping charge.
        pub shipping_amount: Option<i64>,
        /// Its tax rate in millionths.
        pub shipping_tax_rate_ppm: Option<i32>,
        /// Sum of the lines.
        pub goods: i64,
        /// Sum of the discounts.
        pub discount: i64,
        /// The shipping charge in the sum.
        pub shipping: i64,
        /// Sum of the taxes.
        pub tax: i64,
        /// What the order costs.
        pub total: i64,
        /// When it was placed.
        pub placed_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The lines.
pub mod order_line {
    use sea_orm::entity::prelude::*;

    /// One line of an order.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_lines")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// Number within the order, from 1 on.
        #[sea_orm(primary_key, auto_increment = false)]
        pub line_id: i32,
        /// The article.
        pub sku: String,
        /// What it is called.
        pub title: String,
        /// Pieces ordered.
        pub quantity: i32,
        /// Price of a piece.
        pub unit_price: i64,
        /// Tax rate in millionths.
        pub tax_rate_ppm: i32,
        /// Price of the line.
        pub amount: i64,
        /// Its share of the discounts.
        pub discount: i64,
        /// Its tax.
        pub tax: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The discounts.
pub mod order_discount {
    use sea_orm::entity::prelude::*;

    /// One discount of an order.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_discounts")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// Number within the order, from 1 on.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        /// The caller's code.
        pub code: String,
        /// How much is taken off.
        pub amount: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Whom to write to: personal data, erasable.
pub mod order_contact {
    use sea_orm::entity::prelude::*;

    /// The contact of one order.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_contacts")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// Mail address.
        pub email: String,
        /// Name to greet with.
        pub name: Option<String>,
        /// Language tag.
        pub locale: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Where goods and invoice go: personal data, erasable.
pub mod order_address {
    use sea_orm::entity::prelude::*;

    /// One address of an order.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_addresses")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// `ship_to` or `bill_to`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub role: String,
        /// Who receives.
        pub recipient: String,
        /// Lines above the city, joined by line feeds.
        pub address_lines: String,
        /// City or town.
        pub locality: String,
        /// State or county.
        pub administrative_area: Option<String>,
        /// Postal code.
        pub postal_code: Option<String>,
        /// ISO 3166-1 alpha-2.
        pub country_code: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// What has become of a line's pieces; no row while nothing has.
pub mod order_line_progress {
    use sea_orm::entity::prelude::*;

    /// The progress of one line.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_line_progress")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// The line.
        #[sea_orm(primary_key, auto_increment = false)]
        pub line_id: i32,
        /// Pieces cancelled.
        pub cancelled: i32,
        /// Pieces dispatched.
        pub shipped: i32,
        /// Pieces delivered.
        pub delivered: i32,
        /// Pieces lost.
        pub lost: i32,
        /// Pieces that came back and were accepted.
        pub returned: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The holds, those that are gone included.
pub mod order_hold {
    use sea_orm::entity::prelude::*;

    /// One hold.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_holds")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// Identity.
        #[sea_orm(primary_key, auto_increment = false)]
        pub hold_id: Uuid,
        /// Word of the reason.
        pub reason: String,
        /// More about it.
        pub note: String,
        /// Who placed it: the kind.
        pub actor_kind: String,
        /// Who placed it: the name.
        pub actor_name: String,
        /// When it was placed.
        pub placed_time: i64,
        /// When it was released; none while it is in force.
        pub released_time: Option<i64>,
        /// Who released it.
        pub released_by: Option<String>,
        /// Why it was released.
        pub release_note: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The shipments.
pub mod order_shipment {
    use sea_orm::entity::prelude::*;

    /// One shipment.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_shipments")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// Identity.
        #[sea_orm(primary_key, auto_increment = false)]
        pub shipment_id: Uuid,
        /// Who carries it.
        pub carrier: Option<String>,
        /// The carrier's number.
        pub tracking_number: Option<String>,
        /// Word of the state.
        pub state: String,
        /// When it left.
        pub dispatched_time: i64,
        /// When it was delivered or lost.
        pub ended_time: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// What is in the shipments.
pub mod order_shipment_line {
    use sea_orm::entity::prelude::*;

    /// One line of a shipment.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_shipment_lines")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// The shipment.
        #[sea_orm(primary_key, auto_increment = false)]
        pub shipment_id: Uuid,
        /// The line.
        #[sea_orm(primary_key, auto_increment = false)]
        pub line_id: i32,
        /// Pieces.
        pub quantity: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The returns.
pub mod order_return {
    use sea_orm::entity::prelude::*;

    /// One return.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_returns")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// Identity.
        #[sea_orm(primary_key, auto_increment = false)]
        pub return_id: Uuid,
        /// Why.
        pub reason: String,
        /// Word of the state.
        pub state: String,
        /// Why it was rejected.
        pub rejection_reason: String,
        /// When it was asked for.
        pub requested_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// What is to come back.
pub mod order_return_line {
    use sea_orm::entity::prelude::*;

    /// One line of a return.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_return_lines")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// The return.
        #[sea_orm(primary_key, auto_increment = false)]
        pub return_id: Uuid,
        /// The line.
        #[sea_orm(primary_key, auto_increment = false)]
        pub line_id: i32,
        /// Pieces.
        pub quantity: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// What did come back.
pub mod order_return_receipt {
    use sea_orm::entity::prelude::*;

    /// What came back of a line in one condition.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_return_receipts")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// The return.
        #[sea_orm(primary_key, auto_increment = false)]
        pub return_id: Uuid,
        /// The line.
        #[sea_orm(primary_key, auto_increment = false)]
        pub line_id: i32,
        /// Word of the condition.
        #[sea_orm(primary_key, auto_increment = false)]
        pub condition: String,
        /// Pieces accepted.
        pub accepted: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The notes of the staff: may be personal, erasable.
pub mod order_note {
    use sea_orm::entity::prelude::*;

    /// One note.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_notes")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// Identity.
        #[sea_orm(primary_key, auto_increment = false)]
        pub note_id: Uuid,
        /// What it says.
        pub text: String,
        /// Who wrote it: the kind.
        pub actor_kind: String,
        /// Who wrote it: the name.
        pub actor_name: String,
        /// When.
        pub added_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
