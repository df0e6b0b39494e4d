<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * A certificate of localhost that it has signed itself, with its key, in files.
 */
final class Certificate
{
    public readonly string $path;
    private readonly string $key;

    public function __construct()
    {
        $key = openssl_pkey_new(['private_key_bits' => 2048, 'private_key_type' => OPENSSL_KEYTYPE_RSA]);
        $request = openssl_csr_new(['commonName' => 'localhost'], $key);
        $this->path = (string) tempnam(sys_get_temp_dir(), 'sioemit-php-crt');
        $this->key = (string) tempnam(sys_get_temp_dir(), 'sioemit-php-key');
        openssl_x509_export_to_file(openssl_csr_sign($request, null, $key, 1), $this->path);
        openssl_pkey_export_to_file($key, $this->key);
    }

    /**
     * Returns what redis-server needs to know of it.
     *
     * @return list<string>
     */
    public function options(): array
    {
        return ['--tls-cert-file', $this->path, '--tls-key-file', $this->key, '--tls-auth-clients', 'no'];
    }

    public function remove(): void
    {
        unlink($this->path);
        unlink($this->key);
    }
}
