//! `funade demo`: the functions' own code against a simulated AWS, told as a story, a file for each
//! scene.

mod screen;
mod stage;

mod a_push;
mod lost_event;
mod parameters;
mod refusals;
mod rollback;

use anyhow::Result;

#[cfg(test)]
pub(crate) use crate::demo::stage::digest;

pub(crate) use crate::demo::screen::Screen;
pub(crate) use crate::demo::stage::Stage;

use crate::output::Answer;

/// Tells the story: a fleet takes a new image, an environment its changed parameters, all leave
/// alone what they should, all go back from an image that fails, and a sweep finds what no event
/// told.
pub(crate) fn run(speed: u32) -> Result<Answer> {
    let screen = Screen::new(speed);
    let stage = Stage::set(&screen)?;
    a_push::tell(&stage)?;
    parameters::tell(&stage)?;
    refusals::tell(&stage)?;
    rollback::tell(&stage)?;
    lost_event::tell(&stage)?;
    println!("\nThe same code runs in Lambda. How to put it into an account: README.md.\n");
    Ok(Answer::Yes)
}
