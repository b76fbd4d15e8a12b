//! The sample shop: a few thousand people with Chinese and English names, their addresses, orders, payments and page views, made from a
//! seed. Nobody's data: the check digit of each ID and card number is wrong on purpose. Not here: the shop's policy (`policies/shop`).

mod rows;
mod words;

use std::pin::pin;

use bytes::Bytes;
use futures_sink::Sink as _;
use tokio_postgres::Client;

/// Tables, keys and all, of an empty shop.
pub const SCHEMA: &str = include_str!("shop/schema.sql");

/// Indexes, sequences, logins and grants: to be run once the rows are in.
pub const GRANTS: &str = include_str!("shop/grants.sql");

/// The seed of the demo's shop.
pub const SEED: u64 = 2026;

/// One table's rows, as COPY reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The statement that takes them in.
    pub copy: &'static str,
    /// The rows, in COPY's text format.
    pub text: String,
    /// How many they are.
    pub count: usize,
}

/// Every table's rows, in an order in which foreign keys hold. The same `seed` and number of `people` give the same rows.
#[must_use]
pub fn rows(seed: u64, people: u32) -> Vec<Rows> {
    rows::Maker::new(seed).make(people)
}

/// Makes the whole shop in the database that `client` is connected to.
///
/// # Errors
/// What the server says.
pub async fn load(client: &Client, seed: u64, people: u32) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(SCHEMA).await?;
    for table in rows(seed, people) {
        let mut sink = pin!(client.copy_in::<_, Bytes>(table.copy).await?);
        std::future::poll_fn(|cx| sink.as_mut().poll_ready(cx)).await?;
        sink.as_mut().start_send(Bytes::from(table.text))?;
        sink.as_mut().finish().await?;
    }
    client.batch_execute(GRANTS).await
}

#[cfg(test)]
mod tests;
