//! `hallpass demo`: the whole bot with the terminal as its chat. What it grants is real: SSH certificates on real time.

mod form;
mod house;
mod play;

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use form::{Asking, Next};
use house::House;

use crate::clock::{Clock, FastClock, SystemClock};

/// Seconds that pass in a played scenario in each real one.
const PLAYED: i64 = 60;

/// Types as a person, or plays by itself.
pub async fn run(store: Option<PathBuf>, play: bool) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir().context("no temporary folder")?;
    let folder = temporary.path().to_path_buf();
    let file = store.unwrap_or_else(|| folder.join("hallpass.db"));
    let clock: Arc<dyn Clock> = if play { Arc::new(FastClock::new(PLAYED)) } else { Arc::new(SystemClock) };
    let pace = if play { u32::try_from(PLAYED).unwrap_or(1) } else { 1 };
    let house = House::open(&file, &folder, clock, pace).await?;
    let done = if play { play::play(&house).await } else { talk(&house).await };
    house.close().await;
    done
}

const WELCOME: &str =
    "Hallpass demo. People: ana and finn ask; ben and dora are host-leads; cleo is security; eve is on call and administrator.
Channels: #host-approvers, #ops. You type as one of them: lines are commands, `as ben` changes who you are, `in #ops` where you look,
`press 1 words` presses a numbered button, `key` shows this demo's SSH key, `quit` ends it.
Try:  /jit request bastion login 15m look at the disk";

async fn talk(house: &House) -> anyhow::Result<()> {
    println!("{WELCOME}\n");
    let (mut who, mut place) = ("ana".to_owned(), "#host-approvers".to_owned());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut screen = house.console.subscribe();
    let mut asking: Option<Asking> = None;
    loop {
        {
            use std::io::Write as _;
            print!("{who} in {place}> ");
            std::io::stdout().flush()?;
        }
        let line = loop {
            tokio::select! {
                line = lines.next_line() => break line?,
                Ok(text) = screen.recv() => println!("\r{text}"),
            }
        };
        let Some(line) = line else { return Ok(()) };
        let line = line.trim();
        // A bare `/jit` opens the form; while it is open every line answers it.
        let next = match asking.take() {
            Some(open) => Some(open.answer(&house.bot, &house.voice, line).await?),
            None if line == "/jit" => Some(Asking::begin(&house.bot, &house.voice, &who).await?),
            None => None,
        };
        match next {
            None => {}
            Some(Next::Ask(open, question)) => {
                println!("{question}");
                asking = Some(open);
                continue;
            }
            Some(Next::Send(filled)) => {
                println!("{}", house.send(&who, filled).await?);
                continue;
            }
            Some(Next::Over(said)) => {
                println!("{said}");
                continue;
            }
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" => {}
            "quit" | "exit" => return Ok(()),
            "as" if House::knows(rest) => rest.clone_into(&mut who),
            "as" => println!("Nobody is called {rest} here: ana, ben, cleo, dora, eve, finn."),
            "in" => {
                rest.clone_into(&mut place);
                println!("{}", house.console.channel(&place));
            }
            "key" => println!("{}", house.public_key(&who)),
            "press" => println!("{}", house.press(&who, &place, rest).await?),
            _ => println!("{}", house.say(&who, line).await?),
        }
    }
}
