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
