package atlas

import _ "golang.org/x/oauth2/clientcredentials" // until it is used
