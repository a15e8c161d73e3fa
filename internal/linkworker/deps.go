package linkworker

import _ "github.com/fsnotify/fsnotify" // until it is used
