// Certificate: a key and a certificate that it signed itself, for `localhost` and 127.0.0.1, good for a hundred years.
//
// They protect nothing: they are public, and only tests of TLS use them, on this machine.
// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost \
//   -addext subjectAltName=DNS:localhost,IP:127.0.0.1

export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcw8SpeVVB8HcqkuI
xmznykLevAYoUCCk4pIf4j/tv+OhRANCAATRmZVT/WTY00x3VXXKwocbfq3gi3HM
r1PR0whhBSHqDYeEMgDRYzY6O2o0amxuA4F+DsjB64RN/Fc2VDq+q4k4
-----END PRIVATE KEY-----`

export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUYbUttXLiDVlW1hE6Ews4kftRLnIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTAwNTAwNloYDzIxMjYxMDI4
MDA1MDA2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATRmZVT/WTY00x3VXXKwocbfq3gi3HMr1PR0whhBSHqDYeEMgDRYzY6
O2o0amxuA4F+DsjB64RN/Fc2VDq+q4k4o28wbTAdBgNVHQ4EFgQUnpmC4dFox1zh
6Y0TwSjMuWuVFwswHwYDVR0jBBgwFoAUnpmC4dFox1zh6Y0TwSjMuWuVFwswDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgSl9A5PWmZiVsNcrP1vHZLvE++tCg3m2StccZMKpPmC8CIQCI
JrjRVRK23xGlU4BJ05IrYj82yklKx0DiKCiZL2XqdQ==
-----END CERTIFICATE-----`
