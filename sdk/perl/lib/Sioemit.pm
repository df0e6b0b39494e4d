package Sioemit;

use 5.026;
use strict;
use warnings;

use parent 'Sioemit::Operator';

use Exporter     qw(import);
use Scalar::Util qw(blessed);

use Sioemit::Adapter::Classic ();
use Sioemit::Adapter::Python  ();
use Sioemit::Adapter::Sharded ();
use Sioemit::Adapter::Streams ();
use Sioemit::Binary           ();
use Sioemit::Client           ();
use Sioemit::Confirmation     ();
use Sioemit::Error            qw(refuse valid_text);
use Sioemit::Pipeline         ();
use Sioemit::Question         ();
use Sioemit::Replies          ();
use Sioemit::Sent             ();
use Sioemit::Target           ();

our $VERSION   = '0.1.0';
our @EXPORT_OK = qw(bin);

# The options of each adapter, and what they are when they are not given.
my %ADAPTERS = (
    classic => { key            => 'socket.io', codec             => 'messagepack' },
    python  => { channel        => 'socketio',  allow_binary      => 0 },
    sharded => { channel_prefix => 'socket.io', subscription_mode => 'dynamic' },
    streams => {
        stream_name        => 'socket.io',
        stream_count       => 1,
        max_len            => 10_000,
        channel_prefix     => 'socket.io',
        use_sharded_pubsub => 0,
    },
);

my %MADE_BY = (
    classic => 'Sioemit::Adapter::Classic',
    python  => 'Sioemit::Adapter::Python',
    sharded => 'Sioemit::Adapter::Sharded',
    streams => 'Sioemit::Adapter::Streams',
);

sub bin {
    my ($bytes) = @_;
    return Sioemit::Binary->new($bytes);
}

sub new {
    my ($class, $redis, %given) = @_;
    local $@;
    refuse('redis', 'new() takes the Redis client first: Sioemit->new(Redis->new)')
        if !blessed $redis || !$redis->can('wait_all_responses');
    my $name     = delete $given{adapter} // 'classic';
    my $defaults = $ADAPTERS{$name}
        or refuse('adapter-option', "adapter \"$name\": it is classic, sharded, streams or python");
    my $version = delete $given{server_version} // 4;
    refuse('server-version', "server_version \"$version\": it is 1, 2, 3 or 4") if $version !~ /\A[1-4]\z/;
    refuse('adapter-option', "server_version belongs to the classic adapter, not to $name")
        if $version != 4 && $name ne 'classic';
    my $attachments = delete $given{max_attachments} // 10;
    refuse('adapter-option', "max_attachments \"$attachments\": it is a whole number from 1 on")
        if $attachments !~ /\A[1-9][0-9]*\z/;
    my $given_ids = delete $given{socket_ids} // '[0-9A-Za-z_-]{20}';
    my $ids       = eval { qr/$given_ids/ }
        // refuse('adapter-option', "socket_ids \"$given_ids\": it is a regular expression, which this is not");
    my $connect = delete $given{connect};
    refuse('adapter-option', 'connect: it is a sub that returns a new client') if $connect && ref $connect ne 'CODE';
    my %options = map { $_ => delete $given{$_} // $defaults->{$_} } keys %$defaults;

    for my $option (sort keys %given) {
        my @owners = grep { exists $ADAPTERS{$_}{$option} } sort keys %ADAPTERS;
        refuse('adapter-option',
            @owners ? "$option belongs to the adapter @owners, not to $name" : "there is no option $option");
    }
    for my $option (grep { exists $options{$_} } qw(key channel_prefix stream_name channel)) {
        $options{$option} = valid_text($options{$option}, $option);
        $options{$option} = $defaults->{$option} if $options{$option} eq '';
    }
    if ($name eq 'classic') {
        refuse('adapter-option', "codec \"$options{codec}\": it is messagepack or json")
            if $options{codec} !~ /\A(?:messagepack|json)\z/;
        $options{legacy_binary} = $version < 3;
    }
    return bless {
        client  => Sioemit::Client->new($redis, $connect),
        target  => Sioemit::Target->new,
        sent    => Sioemit::Sent->new,
        options => {
            adapter         => $MADE_BY{$name}->new(%options),
            server_version  => $version,
            max_attachments => $attachments,
            socket_ids      => $ids,
            streams         => $name eq 'streams',
            only_ids        => $name eq 'python' ? 'python-socketio' : $version < 4 ? "Socket.IO $version" : '',
        },
    }, $class;
}

sub send {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, @command)   = @_;
    my ($sent, $namespace) = ($self->{sent}, $self->{target}{namespace});
    $sent->note($namespace)                 if !$sent->{first} || $sent->{namespace} ne $namespace;
    return $self->_send_in_stream(@command) if $self->{options}{streams};
    $self->{client}->call(@command);
    return;
}

sub _send_in_stream {
    my ($self, @command) = @_;
    my $sent     = $self->{sent};
    my $is_entry = $command[0] eq 'xadd';
    $sent->note_beside($command[1]) if !$is_entry;
    my ($id) = $self->{client}->call(@command);
    $sent->note_entry(\@command, $id) if $is_entry;
    return;
}

sub pipeline {
    my ($self, $sub) = @_;
    local $@;
    my $pipe     = Sioemit::Pipeline->new($self->{options}, $self->{target});
    my $done     = eval { $sub->($pipe); 1 };
    my $error    = $@;
    my $batch    = $pipe->end;
    my @commands = @{ $batch->{commands} };
    die $error if !$done;
    return     if !@commands;
    my $sent = $self->{sent};
    $sent->note($_) for keys %{ $batch->{namespaces} };
    my $taken;

    if ($self->{options}{streams}) {
        $sent->note_beside($_->[1]) for grep { $_->[0] ne 'xadd' } @commands;
        $taken = sub { $sent->note_entry(@_) if $_[0][0] eq 'xadd' };
    }
    $self->{client}->call_all($taken, @commands);
    return;
}

sub server_count {
    my ($self) = @_;
    local $@;
    $self->_untargeted('server_count');
    return $self->{client}->count($self->{options}{adapter}->listeners($self->{target}));
}

sub ask {
    my ($self, $call, %event) = @_;
    $self->_check_asks($call);
    return Sioemit::Confirmation->new($self->_asked, sent => $self->{sent})->confirm if $call eq 'confirm';
    my $question = Sioemit::Question->new($self->_asked, %event, call => $call);
    return $question->ask if !%event;

    my ($sent, $target) = @$self{qw(sent target)};
    $sent->note($target->{namespace});
    return $question->ask if !$self->{options}{streams};
    my (undef, $channel) = $self->{options}{adapter}->listeners($target);
    my $was_beside = $sent->note_beside($channel);
    my $answer     = $question->ask;
    $sent->forget_beside($channel) if !$was_beside;    # all servers have it
    return $answer;
}

sub _check_asks {
    my ($self, $call) = @_;
    refuse('no-counterpart', "python-socketio has no counterpart to this call: servers answer nobody there")
        if !$self->{options}{adapter}->can('question');
    $self->_needs_version_4($call);
    return;
}

# _asked returns who is asked, and until when.
sub _asked {
    my ($self) = @_;
    return (
        client   => $self->{client},
        adapter  => $self->{options}{adapter},
        target   => $self->{target},
        deadline => Sioemit::Replies::now() + $self->_seconds,
    );
}

# check_reads_binary makes sure that a command for servers of the classic adapter does not end them.
sub check_reads_binary {
    my ($self, $call) = @_;
    Sioemit::Question->new($self->_asked, call => $call)->check_reads_binary;
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit - send events to the clients of a Socket.IO cluster

=head1 SYNOPSIS

    use Redis;
    use Sioemit qw(bin);

    my $io = Sioemit->new(Redis->new);

    $io->emit('hello', 'world');    # everyone
    $io->to('user:7')->except('muted')->emit('order:paid', { id => 12345, total => 19.99 });
    $io->of('/admin')->emit('photo', bin($bytes));    # bytes arrive as binary

=head1 DESCRIPTION

A Socket.IO cluster is several servers, joined by Redis. This sends events to the browsers connected to any of them,
from Perl code that is none of its servers: it publishes to that Redis what the official adapters expect. The servers
need one of the L<Redis adapters|https://socket.io/docs/v4/redis-adapter/>.

=head1 METHODS

Those of L<Sioemit::Operator> and these.

=head2 new

    my $io = Sioemit->new($redis, %options);

Takes a L<Redis> or a L<Redis::Fast>, which stays the caller's: with its Sentinels, its TLS, its password. The options say
what the servers have set. It sends nothing, and dies with a L<Sioemit::Error> when something is wrong with the options.

=over

=item adapter

C<classic>, which is the default, C<sharded>, C<streams>, or C<python> for servers of python-socketio 5.15.1 or later and
Flask-SocketIO. L<Sioemit::Adapter::Python> says what these cannot do.

=item server_version

1, 2, 3 or 4: the major version of the servers' Socket.IO. 4 by default, and always with the other adapters.

=item key, codec

Of the classic adapter: its key, C<socket.io> by default, and C<json> when the servers have a JSON parser.

=item channel_prefix, subscription_mode

Of the sharded adapter. C<dynamic> must become C<static> or C<dynamic-private> if the servers have that: with another
one, events to one room reach nobody.

=item stream_name, stream_count, max_len, channel_prefix, use_sharded_pubsub

Of the streams adapter.

=item connect

A sub that returns a new client with the same settings, for calls with replies. A L<Redis> shows how it connects. A
L<Redis::Fast> does not, and needs this:

    my $connect = sub { Redis::Fast->new(server => 'localhost:6379', password => $password) };
    my $io      = Sioemit->new($connect->(), connect => $connect);

=item channel, allow_binary

Of the adapter for servers in Python: their channel, C<socketio> by default, which is C<flask-socketio> in Flask-SocketIO,
and whether events may hold binary, for clients that all use the same transport.

=item max_attachments

How many binary values an event may hold, 10 by default: more disconnect clients with socket.io-parser 4.2.6 or later.

=item socket_ids

A regular expression for the ids of servers that make their own, for C<except> on Socket.IO 1 to 3 and servers in
Python, and for the requests that those take.

=back

=head2 pipeline

    $io->pipeline(sub {
        my ($pipe) = @_;
        $pipe->to("user:$_")->emit('tick', $_) for 1 .. 1000;
    });

Calls a sub with a L<Sioemit::Pipeline>, and sends what it has collected in one round trip, in its order. The pipeline has
the target on which the method was called. When the sub dies, nothing is sent. A pipeline is no transaction: when the connection breaks, a part may have been sent.

=head2 server_count

Returns how many servers listen on the namespace.

=head2 send

=head2 ask

=head2 check_reads_binary

=head1 FUNCTIONS

=head2 bin

Takes bytes, and returns what arrives as binary. It is exported on request.

=head1 WHAT ARRIVES

What L<JSON::PP> would have sent, and binary where C<bin> was. Beyond that:

=over

=item *

Text is characters, with or without Perl's utf8 flag. Decode bytes before you send them as text.

=item *

A scalar that was made as a number is a number; one that was read as text is text: send C<0 + $text> for a number. Whole
numbers are integers. All digits of others arrive, where JSON::PP rounds to 15. Integers beyond 2^53 are the nearest
float64, those of L<Math::BigInt>, too.

=item *

C<undef> is null. C<\1> and C<\0>, L<JSON::PP::Boolean> and Perl 5.36's own booleans are true and false.

=item *

Keys are sorted, unless a tied hash has an order. L<Time::Piece> and L<DateTime> are RFC 3339 text. Other objects need a
method C<TO_JSON>.

=item *

NaN and infinities, what holds itself, and what is nested deeper than 1,000 levels are refused.

=back

=head1 REPEATED COMMANDS

With C<reconnect>, both clients send a command again whose connection breaks, so that an event can arrive twice, and
L<Redis> forgets what else it had sent of a pipeline, which then dies. Without it, the call dies.

What the handler of a signal dies with, such as that of an C<alarm>, ends a call. The event may have been sent. As Redis may
be in the middle of an answer then, a L<Redis> connects again before its next command.

=head1 LICENSE

MIT

=cut
