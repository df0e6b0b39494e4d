package Sioemit::Reply;

use strict;
use warnings;
no if $] >= 5.035, warnings => 'experimental::builtin';

use Sioemit::Decoder::JSON        ();
use Sioemit::Decoder::MessagePack ();
use Sioemit::Encoder              ();
use Sioemit::Error                qw(refuse);

# What holds the answer, by the type of the message, and what it is.
my %CLASSIC = (6 => [answer => 'data'], 8 => [count => 'clientCount'], 9 => [ack => 'packet']);
my %CLUSTER = (
    8  => [sockets => 'sockets'],
    10 => [answer  => 'packet'],
    11 => [count   => 'clientCount'],
    12 => [ack     => 'packet'],
);

# read returns the reply that a message is to the question with an id, and nothing when it is none. Answers to other
# questions, of any size, are not decoded. It dies when the message cannot be read.
sub read {    ## no critic (ProhibitBuiltinHomonyms)
    my ($class, $message, $id) = @_;
    return if index($message, $id) < 0;
    my $format  = $message =~ /\A[\[{]/ ? 'JSON' : 'MessagePack';
    my $members = "Sioemit::Decoder::$format"->decode($message);
    return if ref $members ne 'HASH';
    my $reply = exists $members->{requestId} ? _classic($members) : _cluster($members);
    return if !$reply || !_is_text($reply->{id}) || $reply->{id} ne $id;
    return bless $reply, $class;
}

# _classic reads {requestId, type, ...}. What answers a request for sockets or rooms has no type.
sub _classic {
    my ($members) = @_;
    my ($kind, $name) = @{ $CLASSIC{ _type($members) } || [] };
    return if ($kind // '') eq 'answer' && defined $members->{uid};    # it is somebody's question
    if (!exists $members->{type}) {
        ($name) = $kind = (grep { defined $members->{$_} } qw(sockets rooms))[0] // return;
    }
    return if !$kind;
    return { kind => $kind, id => $members->{requestId}, uid => '', content => $members->{$name} };
}

# _cluster reads {uid, type, data: {requestId, ...}}.
sub _cluster {
    my ($members) = @_;
    my $data = $members->{data};
    my ($kind, $name) = @{ $CLUSTER{ _type($members) } || return };
    return if ref $data ne 'HASH';
    my $uid = _is_text($members->{uid}) ? $members->{uid} : '';
    return { kind => $kind, id => $data->{requestId}, uid => $uid, content => $data->{$name} };
}

sub _type {
    my ($members) = @_;
    my $type = $members->{type};
    return defined $type && !ref $type && Sioemit::Encoder::is_number($type) ? $type : '';
}

sub _is_text {
    my ($value) = @_;
    return defined $value && !ref $value && !Sioemit::Encoder::is_number($value);
}

# clients returns the number that a count is.
sub clients {
    my ($self) = @_;
    my $n = $self->{content};
    refuse('unreadable', 'a count is no number')
        if !defined $n || ref $n || !Sioemit::Encoder::is_number($n) || $n != int $n || $n < 0 || $n >= 2**31;
    return $n;
}

# sockets returns the clients that a server has listed. Their handshake may be anything on an unusual server.
sub sockets {
    my ($self) = @_;
    return map {
        refuse('unreadable', 'a socket is no object') if ref ne 'HASH';
        refuse('unreadable', 'a socket has no id')    if !_is_text($_->{id}) || $_->{id} eq '';
        { id => $_->{id}, rooms => [_rooms($_->{rooms})], data => $_->{data}, handshake => $_->{handshake} }
    } $self->_list;
}

sub rooms {
    my ($self) = @_;
    return _rooms([$self->_list]);
}

# _rooms leaves out what is neither text nor a number: JavaScript lets a server join(undefined), from which no other room
# must suffer.
sub _rooms {
    my ($list) = @_;
    return ref $list eq 'ARRAY' ? grep { defined && !ref } @$list : ();
}

sub _list {
    my ($self) = @_;
    refuse('unreadable', 'it is no array') if ref $self->{content} ne 'ARRAY';
    return @{ $self->{content} };
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Reply - what a server has answered

=head1 METHODS

=head2 read

=head2 clients

=head2 sockets

=head2 rooms

=cut
