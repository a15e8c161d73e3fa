package seal

import (
	_ "filippo.io/age"       // until it is used
	_ "filippo.io/age/armor" // until it is used
)
