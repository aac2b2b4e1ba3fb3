module assay.test/tls

go 1.19
