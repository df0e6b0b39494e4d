<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * A request to php-fpm, as a web server makes it.
 */
final class FastCgi
{
    private const BEGIN = 1;
    private const END = 3;
    private const PARAMS = 4;
    private const STDIN = 5;
    private const STDOUT = 6;

    /** @var resource */
    private $socket;

    /**
     * Begins a request; its answer is waited for later, so that several can be under way.
     *
     * @param array<string, mixed> $query
     */
    public function __construct(string $path, string $script, array $query)
    {
        $socket = stream_socket_client("unix://$path", $code, $message, RedisServer::DEADLINE);
        if ($socket === false) {
            throw new \RuntimeException("php-fpm does not listen: $message");
        }
        $this->socket = $socket;
        stream_set_timeout($socket, RedisServer::DEADLINE);
        $params = '';
        foreach (
            [
                'REQUEST_METHOD' => 'GET',
                'SCRIPT_FILENAME' => $script,
                'QUERY_STRING' => http_build_query($query),
            ] as $name => $value
        ) {
            $params .= pack('CN', strlen($name), strlen($value) | 0x80000000) . $name . $value;
        }
        fwrite($socket, self::record(self::BEGIN, pack('nCx5', 1, 0)) // as a responder, which then closes
            . self::record(self::PARAMS, $params) . self::record(self::PARAMS, '') . self::record(self::STDIN, ''));
    }

    /**
     * Returns the JSON that the script has printed.
     */
    public function answer(): mixed
    {
        $printed = '';
        do {
            $head = (string) stream_get_contents($this->socket, 8);
            if (strlen($head) < 8) {
                throw new \RuntimeException("php-fpm did not answer, but: $printed");
            }
            $of = unpack('x/Ctype/x2/nlength/Cpadding', $head);
            $body = (string) stream_get_contents($this->socket, $of['length'] + $of['padding']);
            $printed .= $of['type'] === self::STDOUT ? substr($body, 0, $of['length']) : '';
        } while ($of['type'] !== self::END);
        fclose($this->socket);
        $body = explode("\r\n\r\n", $printed, 2)[1] ?? '';
        return json_decode($body) ?? throw new \RuntimeException("the script failed: $body");
    }

    private static function record(int $type, string $body): string
    {
        return pack('CCnnxx', 1, $type, 1, strlen($body)) . $body;
    }
}
