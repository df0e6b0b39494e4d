<?php

declare(strict_types=1);

namespace Sioemit;

use Predis\Connection\ParametersInterface;

/**
 * Where a Redis is, and how one logs in there.
 *
 * @internal
 */
final class RedisAddress
{
    /**
     * @param string               $remote    as stream_socket_client() takes it
     * @param list<string>         $auth      the words of AUTH, if any
     * @param array<string, mixed> $tls       PHP's options of TLS
     * @param bool                 $inCluster whether the client follows a Redis Cluster
     */
    public function __construct(
        public readonly string $remote,
        public readonly array $auth,
        public readonly array $tls,
        public readonly bool $inCluster,
    ) {
    }

    /**
     * Returns that of a client of phpredis.
     *
     * @param mixed                                           $auth    as phpredis has it
     * @param array{auth?: mixed, stream?: array<string, mixed>} $context what the user says of it
     */
    public static function fromPhpRedis(
        string $host,
        int $port,
        #[\SensitiveParameter] mixed $auth,
        #[\SensitiveParameter] array $context,
        bool $inCluster,
    ): self {
        $auth = array_values(array_filter((array) ($context['auth'] ?? $auth), fn ($word) => is_string($word)));
        $tls = $context['stream'] ?? [];
        [$scheme, $bare] = str_contains($host, '://') ? explode('://', $host, 2) : ['', $host];
        $remote = match (true) {
            $scheme === 'unix' || str_starts_with($bare, '/') => "unix://$bare",
            $scheme === 'tls' || $scheme === 'ssl' || ($scheme === '' && $inCluster && isset($context['stream']))
                => 'tls://' . self::authority($bare, $port),
            default => 'tcp://' . self::authority($bare, $port),
        };
        return new self($remote, $auth, $tls, $inCluster);
    }

    public static function fromPredis(
        #[\SensitiveParameter] ParametersInterface $parameters,
        bool $inCluster,
        ?string $host = null,
        ?int $port = null,
    ): self {
        $auth = array_filter([$parameters->username, $parameters->password], fn ($word) => (string) $word !== '');
        $remote = match ($parameters->scheme) {
            'unix' => "unix://$parameters->path",
            'tls', 'rediss' => 'tls://',
            default => 'tcp://',
        };
        if ($parameters->scheme !== 'unix') {
            $remote .= self::authority($host ?? $parameters->host, $port ?? (int) $parameters->port);
        }
        $auth = isset($parameters->password) ? array_map(strval(...), array_values($auth)) : [];
        return new self($remote, $auth, (array) ($parameters->ssl ?? []), $inCluster);
    }

    /**
     * Returns that of another node, of which this one tells; one without a host is where this one is.
     */
    public function at(string $host, int $port): self
    {
        [$scheme, $here] = explode('://', $this->remote, 2);
        $there = $host === '' ? preg_replace('/\d+$/', (string) $port, $here) : self::authority($host, $port);
        return new self("$scheme://$there", $this->auth, $this->tls, $this->inCluster);
    }

    private static function authority(string $host, int $port): string
    {
        return str_contains($host, ':') && $host[0] !== '[' ? "[$host]:$port" : "$host:$port";
    }
}
