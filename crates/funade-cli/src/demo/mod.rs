//! `funade demo`: the functions' own code against a simulated AWS, told as a story.

mod screen;
mod story;

use anyhow::Result;

use crate::demo::screen::Screen;
use crate::output::Answer;

/// Tells the story.
pub(crate) fn run(speed: u32) -> Result<Answer> {
    story::tell(&Screen::new(speed))?;
    Ok(Answer::Yes)
}
