<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * Stands between a client and its Redis, in a process of its own.
 */
final class Proxy
{
    public readonly int $port;
    private readonly int $pid;

    /**
     * @param int   $cuts   behind so many questions, which Redis has got, it breaks the connection
     * @param float $pauses for so many seconds it holds back the second half of what a subscriber gets
     */
    public function __construct(
        private readonly int $redis,
        private int $cuts = 0,
        private readonly float $pauses = 0,
    ) {
        $listening = stream_socket_server('tcp://127.0.0.1:0');
        $name = (string) stream_socket_get_name($listening, false);
        $this->port = (int) substr($name, strrpos($name, ':') + 1);
        $this->pid = pcntl_fork();
        if ($this->pid === 0) {
            try {
                $this->serve($listening);
            } finally {
                posix_kill(getmypid(), SIGKILL); // or it would go on as a second PHPUnit
            }
        }
        fclose($listening);
    }

    public function stop(): void
    {
        posix_kill($this->pid, SIGKILL);
        pcntl_waitpid($this->pid, $status);
    }

    /**
     * @param resource $listening
     */
    private function serve($listening): never
    {
        $others = []; // of each connection, the one on the other side
        $sockets = [];
        while (true) {
            $ready = [$listening, ...$sockets];
            $none = null;
            stream_select($ready, $none, $none, null);
            foreach ($ready as $socket) {
                if ($socket === $listening) {
                    $client = stream_socket_accept($listening);
                    $redis = stream_socket_client("tcp://127.0.0.1:$this->redis");
                    $sockets += [(int) $client => $client, (int) $redis => $redis];
                    $others += [(int) $client => $redis, (int) $redis => $client];
                    continue;
                }
                if (!isset($others[(int) $socket])) {
                    continue; // the other side was cut a moment ago
                }
                $other = $others[(int) $socket];
                $bytes = (string) @fread($socket, 65_536); // nothing of one that was reset
                $isQuestion = str_contains($bytes, 'PUBLISH') && str_contains($bytes, 'requestId');
                if ($this->pauses > 0 && str_contains($bytes, "\r\nmessage\r\n")) {
                    $half = intdiv(strlen($bytes), 2);
                    @fwrite($other, substr($bytes, 0, $half));
                    usleep((int) ($this->pauses * 1e6));
                    $bytes = substr($bytes, $half);
                }
                $isGone = @fwrite($other, $bytes) === false;
                $isCut = $isQuestion && $this->cuts > 0;
                if ($isCut) {
                    $this->cuts--;
                    @fread($other, 65_536); // Redis has taken it
                }
                if ($bytes === '' || $isCut || $isGone) {
                    unset($sockets[(int) $socket], $sockets[(int) $other]);
                    unset($others[(int) $socket], $others[(int) $other]);
                    fclose($socket);
                    fclose($other);
                }
            }
        }
    }
}
