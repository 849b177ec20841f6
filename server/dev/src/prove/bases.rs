//! Base images made on this machine.

use crate::oracle::engine::Engine;
use crate::oracle::prepare::Unprepared;

/// Makes sure that the engine has these base images.
pub fn make(_engine: &Engine, bases: &[String]) -> Result<(), Unprepared> {
    match bases.first() {
        None => Ok(()),
        Some(name) => Err(Unprepared::Failed(format!("there is no base `{name}`"))),
    }
}
