//! What the store says about the past, held against a plain model of many random lives; the digest; and what an older version
//! wrote.

mod counts;
mod digest;
mod held;
mod lives;
mod older;
mod search;
mod told;

use hallpass::store::Store;

use self::lives::Lives;

/// A store with many lives in it, and what they were.
async fn lived(url: &str, seed: u64, count: u32) -> (Store, Lives) {
    let store = Store::open(url).await.unwrap();
    let lives = Lives::random(seed, count);
    lives.write(&store).await;
    (store, lives)
}
